/** A directive with its words, and what stands in its braces. */
export interface Directive {
	name: string;
	words: string[];
	inside: Directive[] | null;
}

/** nginx would refuse the file; the message is its own. */
export class ConfigError extends Error {}

/** Splits a configuration as nginx does: words, quotes, comments, `;` and braces. @throws {ConfigError} */
export function parseConfig(text: string, path: string): Directive[] {
	const root: Directive[] = [];
	const open: Directive[][] = [root];
	let words: string[] = [];
	let line = 1;
	const fail = (what: string): never => {
		throw new ConfigError(`${what} in ${path}:${line}`);
	};
	for (let at = 0; at < text.length; at += 1) {
		const char = text[at]!;
		if (char === '\n') line += 1;
		if (/\s/.test(char)) continue;
		const here = open.at(-1)!;
		if (char === '#') {
			while (at + 1 < text.length && text[at + 1] !== '\n') at += 1;
		} else if (char === ';') {
			if (words.length === 0) fail('unexpected ";"');
			here.push({ name: words[0]!, words: words.slice(1), inside: null });
			words = [];
		} else if (char === '{') {
			if (words.length === 0) fail('unexpected "{"');
			const block: Directive = { name: words[0]!, words: words.slice(1), inside: [] };
			here.push(block);
			open.push(block.inside!);
			words = [];
		} else if (char === '}') {
			if (words.length > 0 || open.length === 1) fail('unexpected "}"');
			open.pop();
		} else {
			const word = wordAt(text, at) ?? fail('unexpected end of file, expecting quote');
			words.push(word.text);
			at = word.end - 1;
		}
	}
	if (words.length > 0 || open.length > 1) fail('unexpected end of file, expecting ";" or "}"');
	return root;
}

function wordAt(text: string, from: number): { text: string; end: number } | null {
	const quote = text[from];
	if (quote === '"' || quote === "'") {
		const close = text.indexOf(quote, from + 1);
		return close < 0 ? null : { text: text.slice(from + 1, close), end: close + 1 };
	}
	const found = /^[^\s;{}]+/.exec(text.slice(from, from + 4096))?.[0] ?? text[from]!;
	return { text: found, end: from + found.length };
}

const TOP = ['user', 'worker_processes', 'worker_rlimit_nofile', 'worker_shutdown_timeout', 'pid'];
/** Where each directive of ours may stand; nginx has more of them and more places. */
const PLACES: Record<string, string[]> = {
	main: [...TOP, 'error_log', 'include', 'events', 'http'],
	events: ['worker_connections'],
	http: [
		...['access_log', 'server_tokens', 'server_names_hash_bucket_size', 'server'],
		...['server_names_hash_max_size', 'variables_hash_max_size', 'map', 'ssl_protocols'],
		...['ssl_ciphers', 'ssl_prefer_server_ciphers', 'ssl_session_cache', 'ssl_session_timeout'],
		...['ssl_session_tickets', 'client_max_body_size', 'client_body_timeout', 'proxy_buffers'],
		...['keepalive_timeout', 'proxy_http_version', 'proxy_connect_timeout', 'proxy_redirect'],
		...['proxy_send_timeout', 'proxy_read_timeout', 'proxy_buffer_size', 'proxy_set_header'],
		'proxy_busy_buffers_size'
	],
	server: [
		...['listen', 'http2', 'server_name', 'ssl_certificate', 'ssl_certificate_key', 'return'],
		...['ssl_reject_handshake', 'location', 'set', 'access_log', 'proxy_redirect'],
		'proxy_cookie_domain'
	],
	location: [
		...['return', 'proxy_pass', 'set', 'add_header', 'default_type', 'proxy_read_timeout'],
		...['proxy_buffering', 'proxy_set_header']
	]
};

/**
 * What `nginx -t` looks at: directives in their places, certificates with their keys, one default server a port.
 * @param certificateFits whether a certificate's file and its key's are there and belong together; null when they do,
 *   else nginx's words
 * @throws {ConfigError}
 */
export function checkConfig(
	config: Directive[],
	path: string,
	certificateFits: (certificate: string, key: string) => string | null
): void {
	const walk = (directives: Directive[], place: string): void => {
		const known = PLACES[place];
		for (const { name, words, inside } of directives) {
			if (place === 'map') continue;
			if (!known?.includes(name)) throw new ConfigError(`unknown directive "${name}" in ${path}`);
			if (inside) walk(inside, name);
			else if (words.length === 0)
				throw new ConfigError(`invalid number of arguments in "${name}" directive in ${path}`);
		}
	};
	walk(config, 'main');
	const defaults = new Set<string>();
	for (const server of serversOf(config)) {
		for (const { words } of all(server, 'listen')) {
			if (!words.includes('default_server')) continue;
			const [address = ''] = words;
			if (defaults.has(address))
				throw new ConfigError(`a duplicate default server for ${address} in ${path}`);
			defaults.add(address);
		}
		const certificate = one(server, 'ssl_certificate');
		const key = one(server, 'ssl_certificate_key');
		if (all(server, 'listen').some(({ words }) => words.includes('ssl'))) {
			if (!certificate && one(server, 'ssl_reject_handshake') !== 'on')
				throw new ConfigError(
					`no "ssl_certificate" is defined for the "listen ... ssl" directive in ${path}`
				);
			const problem = certificate ? certificateFits(certificate, key ?? '') : null;
			if (problem) throw new ConfigError(problem);
		}
	}
}

export function serversOf(config: Directive[]): Directive[] {
	const http = config.find(({ name }) => name === 'http');
	return http?.inside?.filter(({ name }) => name === 'server') ?? [];
}

export function all(block: Directive, name: string): Directive[] {
	return block.inside?.filter((directive) => directive.name === name) ?? [];
}

/** The first word of a directive that stands once. */
export function one(block: Directive, name: string): string | null {
	return all(block, name)[0]?.words[0] ?? null;
}
