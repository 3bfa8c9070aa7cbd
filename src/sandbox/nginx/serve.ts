import { forward } from '../edge/forward.ts';
import type { SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { all, one, parseConfig, serversOf, type Directive } from './config.ts';
import { MAIN, nginxDocument, type Machine } from './state.ts';

/** Headers that nginx sends on as they came; what its configuration sets comes on top. */
const NOT_PASSED = new Set(['host', 'connection', 'upgrade', 'keep-alive', 'transfer-encoding']);

/** The nginx that has this public address, when it runs. */
export function nginxAtAddress(kernel: Kernel, address: string): Machine | null {
	const found = nginxDocument(kernel)
		.get()
		.machines.find((machine) => machine.address === address);
	return found?.serving ? found : null;
}

/** What nginx answers on a loopback port of its own machine; null: connection refused. */
export function ownAnswer(machine: Machine, port: number, path: string): SandboxResponse | null {
	const config = parsed(machine);
	const server = serversOf(config).find((one) =>
		all(one, 'listen').some(({ words }) => words[0] === `127.0.0.1:${port}`)
	);
	const location = server && locationFor(server, path);
	return location ? returned(location, (text) => text) : null;
}

/**
 * Answers a request as the nginx of a machine. Plain HTTP stands for both of its ports: what says
 * `x-forwarded-proto: http` came to port 80, everything else to 443.
 * @returns null when nginx closes the connection without a word
 */
export async function answerByNginx(
	kernel: Kernel,
	machine: Machine,
	request: SandboxRequest
): Promise<SandboxResponse | null> {
	const config = parsed(machine);
	const scheme = request.headers['x-forwarded-proto'] === 'http' ? 'http' : 'https';
	const host = request.host.toLowerCase().replace(/:\d+$/, '');
	const server = serverFor(config, scheme === 'http' ? '80' : '443', host);
	if (!server || one(server, 'ssl_reject_handshake') === 'on') return null;
	const target = request.target ?? request.path;
	const location = locationFor(server, request.path);
	const variables: Record<string, string> = {
		...{ $host: host, $scheme: scheme, $request_uri: target, $uri: request.path },
		$remote_addr: request.remoteAddress?.replace(/^::ffff:/, '') ?? '127.0.0.1',
		$http_upgrade: request.headers.upgrade ?? ''
	};
	for (const block of [server, location])
		for (const { words } of block ? all(block, 'set') : [])
			variables[words[0] ?? ''] = filled(words[1] ?? '', variables);
	const value = (text: string) => filled(text, variables);
	const plain = location ? returned(location, value) : null;
	if (plain) return plain.status === 444 ? null : plain;
	const pass = location && one(location, 'proxy_pass');
	if (!pass) return { status: 404, body: '' };
	const headers: Record<string, string> = {};
	for (const [name, text] of Object.entries(request.headers))
		if (!NOT_PASSED.has(name)) headers[name] = text;
	const http = config.find(({ name }) => name === 'http')!;
	for (const { words } of all(http, 'proxy_set_header')) {
		const name = (words[0] ?? '').toLowerCase();
		const text = value(words[1] ?? '');
		if (text === '') delete headers[name];
		else headers[name] = text;
	}
	const sent = { ...request, host: headers.host ?? '', headers };
	const answer = await forward(kernel, { service: new URL(pass), originRequest: {} }, sent).catch(
		(): SandboxResponse => ({ status: 502, body: '<h1>502 Bad Gateway</h1>' })
	);
	return { ...answer, headers: { ...redirected(server, answer.headers ?? {}), server: 'nginx' } };
}

function parsed(machine: Machine): Directive[] {
	return machine.serving ? parseConfig(machine.serving.config, MAIN) : [];
}

function serverFor(config: Directive[], port: string, host: string): Directive | undefined {
	const listening = serversOf(config).filter((server) =>
		all(server, 'listen').some(({ words }) => words[0] === port)
	);
	return (
		listening.find((server) =>
			all(server, 'server_name').some(({ words }) => words.includes(host))
		) ?? listening.find((server) => all(server, 'listen')[0]?.words.includes('default_server'))
	);
}

/** Exact, then the longest prefix unless a regular expression fits and the prefix does not forbid it. */
function locationFor(server: Directive, path: string): Directive | undefined {
	const locations = all(server, 'location');
	const exact = locations.find(({ words }) => words[0] === '=' && words[1] === path);
	if (exact) return exact;
	const prefix = locations
		.filter(({ words }) => {
			const text = words.at(-1) ?? '';
			return (words.length === 1 || words[0] === '^~') && path.startsWith(text);
		})
		.sort((a, b) => (b.words.at(-1)?.length ?? 0) - (a.words.at(-1)?.length ?? 0))[0];
	if (prefix?.words[0] === '^~') return prefix;
	const pattern = locations.find(
		({ words }) => words[0] === '~' && new RegExp(words[1] ?? '').test(path)
	);
	return pattern ?? prefix;
}

function returned(location: Directive, value: (text: string) => string): SandboxResponse | null {
	const [code, text = ''] = all(location, 'return')[0]?.words ?? [];
	if (code === undefined) return null;
	const headers: Record<string, string> = { server: 'nginx' };
	for (const { words } of all(location, 'add_header'))
		headers[(words[0] ?? '').toLowerCase()] = value(words[1] ?? '');
	const status = Number(code);
	if (status < 300 || status > 399) return { status, headers, body: value(text) };
	return { status, headers: { ...headers, location: value(text) }, body: '' };
}

function redirected(
	server: Directive,
	headers: Record<string, string | string[]>
): Record<string, string | string[]> {
	const { location } = headers;
	if (typeof location !== 'string') return headers;
	for (const { words } of all(server, 'proxy_redirect')) {
		const [from = '', to = ''] = words;
		const pattern = from.startsWith('~') ? new RegExp(from.slice(1)) : null;
		const found = pattern?.exec(location);
		if (found) return { ...headers, location: to.replace('$1', found[1] ?? '') };
	}
	return headers;
}

function filled(text: string, variables: Record<string, string>): string {
	return text.replace(/\$\w+/g, (name) => variables[name] ?? '');
}
