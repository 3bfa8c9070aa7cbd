import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import type { Guest } from './commands.ts';
import { serveOdoo } from './http.ts';

/** `curl` towards the container itself: what an operator asks the local Odoo. */
export async function curl(guest: Guest, args: string[], { stdin }: Invocation): Promise<Outcome> {
	const headers: Record<string, string> = {};
	let url = '';
	let body: Buffer | null = null;
	let method: string | null = null;
	let fail = false;
	let writeOut = '';
	for (let index = 0; index < args.length; index += 1) {
		const arg = args[index]!;
		const value = () => args[(index += 1)] ?? '';
		if (arg === '-H' || arg === '--header') {
			const [name = '', ...rest] = value().split(':');
			headers[name.trim().toLowerCase()] = rest.join(':').trim();
		} else if (arg === '-d' || arg === '--data' || arg === '--data-binary') {
			const given = value();
			body = given === '@-' ? stdin : Buffer.from(given);
		} else if (arg === '-X' || arg === '--request') method = value();
		else if (arg === '-w' || arg === '--write-out') writeOut = value();
		else if (arg === '-m' || arg === '--max-time' || arg === '-o' || arg === '--output') value();
		else if (/^-[a-zA-Z]+$/.test(arg)) fail ||= arg.includes('f');
		else if (arg === '--fail') fail = true;
		else if (!arg.startsWith('-')) url = arg;
	}
	const target = /^https?:\/\/(localhost|127\.0\.0\.1)(?::(\d+))?(\/.*)?$/.exec(url);
	if (!target) return outcome(6, '', `curl: (6) Could not resolve host: ${url}\n`);
	const port = Number(target[2] ?? 80);
	const service = serveOdoo(guest.cluster, guest.container, port);
	if (!service) {
		return outcome(
			7,
			'',
			`curl: (7) Failed to connect to ${target[1]} port ${port} after 0 ms: Could not connect to server\n`
		);
	}
	const address = new URL(url);
	const answer = await service({
		method: method ?? (body ? 'POST' : 'GET'),
		path: address.pathname,
		query: address.searchParams,
		headers: {
			...(body ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
			...headers
		},
		host: headers.host ?? `${target[1]}:${port}`,
		body: body ?? Buffer.alloc(0)
	});
	if (fail && answer.status >= 400) {
		return outcome(22, '', `curl: (22) The requested URL returned error: ${answer.status}\n`);
	}
	const content = answer.body ?? '';
	const text = Buffer.isBuffer(content)
		? content
		: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
	const tail = writeOut.replace('%{http_code}', String(answer.status)).replace(/\\n/g, '\n');
	return outcome(0, Buffer.concat([text, Buffer.from(tail)]));
}
