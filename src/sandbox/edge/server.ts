import { randomBytes } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { cloudflareDocument } from '../cloudflare/state.ts';
import { serveVendor, type SandboxRequest, type SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { answerElsewhere, hostMeant } from './away.ts';
import { forward, isLoopback, joinUpgrade, OriginError } from './forward.ts';
import { originOf, type Origin } from './origin.ts';
import { errorPage } from './pages.ts';

export interface EdgeStandIn {
	url: string;
	port: number;
	close(): Promise<void>;
}

const USUAL_MS = 40;

/** Starts Cloudflare's edge: what a browser reaches. Faults are those of the target `edge`. */
export async function startEdge(kernel: Kernel, options: { port: number }): Promise<EdgeStandIn> {
	cloudflareDocument(kernel);
	const page = (code: number, request: SandboxRequest, host: string) =>
		errorPage(code, host, request.headers.accept ?? '', new Date(kernel.clock.nowMs()));

	const server = await serveVendor(kernel, 'edge', [], {
		port: options.port,
		// Not a route: the edge takes every method and every path, even those that do not decode.
		before: async (request) => {
			await kernel.latency('edge', USUAL_MS);
			const host = hostMeant(kernel, request.host);
			try {
				const elsewhere = await answerElsewhere(kernel, host, request);
				if (elsewhere) return elsewhere;
				return await serve(kernel, request, host, (code) => page(code, request, host));
			} catch (error) {
				if (error instanceof OriginError) return page(error.code, request, host);
				throw error;
			}
		},
		notFound: (request) => page(1016, request, request.host),
		onError: (error) => {
			const message = error instanceof Error ? error.message : String(error);
			return { status: 500, body: `The sandbox broke: ${message}` };
		},
		upgrade: (raw, socket, head) => upgrade(kernel, raw, socket, head)
	});
	return { url: `http://localhost:${server.port}`, port: server.port, close: () => server.close() };
}

async function serve(
	kernel: Kernel,
	request: SandboxRequest,
	host: string,
	page: (code: number) => SandboxResponse
): Promise<SandboxResponse> {
	const origin = originOf(kernel, host, request.path);
	if (origin.kind === 'error') return page(origin.code);
	const ray = `${randomBytes(8).toString('hex')}-MIA`;
	const sent = asSeenByOrigin(request, host, ray);
	const response = own(origin) ?? (await forward(kernel, targetOf(origin), sent));
	return asSeenByBrowser(response, host, request.host, ray);
}

/** What cloudflared answers by itself. */
function own(origin: Origin): SandboxResponse | null {
	if (origin.kind !== 'service') return null;
	const status = /^http_status:(\d{3})$/.exec(origin.service)?.[1];
	if (status) return { status: Number(status), body: '' };
	if (origin.service !== 'hello_world') return null;
	const headers = { 'content-type': 'text/html; charset=utf-8' };
	return { status: 200, headers, body: '<h1>Congrats! You created a tunnel!</h1>' };
}

function targetOf(origin: Origin) {
	if (origin.kind === 'service' && URL.canParse(origin.service)) {
		return { service: new URL(origin.service), originRequest: origin.originRequest };
	}
	if (origin.kind !== 'address') throw new OriginError(502);
	const address = origin.address.includes(':') ? `[${origin.address}]` : origin.address;
	return { service: new URL(`http://${address}:80`), originRequest: {} };
}

/** Headers that Cloudflare sets; what a browser claims in their place does not get through. */
function asSeenByOrigin(request: SandboxRequest, host: string, ray: string): SandboxRequest {
	const client = request.remoteAddress?.replace(/^::ffff:/, '') ?? '127.0.0.1';
	const before = request.headers['x-forwarded-for'];
	return {
		...request,
		host,
		headers: {
			...request.headers,
			host,
			'cf-connecting-ip': client,
			'cf-ray': ray,
			'cf-visitor': '{"scheme":"http"}',
			'cf-ipcountry': 'XX',
			'cdn-loop': 'cloudflare; loops=1',
			'x-forwarded-for': before ? `${before}, ${client}` : client,
			'x-forwarded-proto': 'http'
		}
	};
}

/** Redirects and cookies for the real name would lead a browser that came by `*.localhost` astray. */
function asSeenByBrowser(
	response: SandboxResponse,
	host: string,
	asked: string,
	ray: string
): SandboxResponse {
	const headers: Record<string, string | string[]> = {};
	for (const [name, value] of Object.entries(response.headers ?? {})) {
		const lower = name.toLowerCase();
		headers[lower] = Array.isArray(value)
			? value.map((one) => local(lower, one, host, asked))
			: local(lower, value, host, asked);
	}
	return {
		...response,
		headers: { ...headers, server: 'cloudflare', 'cf-ray': ray, 'cf-cache-status': 'DYNAMIC' }
	};
}

function local(name: string, value: string, host: string, asked: string): string {
	if (asked.toLowerCase().replace(/:\d+$/, '') === host) return value;
	if (name === 'set-cookie') return value.replace(/;\s*domain=[^;]*/i, '');
	if (name !== 'location' || !URL.canParse(value)) return value;
	const url = new URL(value);
	if (url.hostname !== host) return value;
	return `http://${asked}${url.pathname}${url.search}${url.hash}`;
}

function upgrade(kernel: Kernel, raw: IncomingMessage, socket: Duplex, head: Buffer): void {
	const target = raw.url ?? '/';
	const headers: Record<string, string> = {};
	for (const [name, value] of Object.entries(raw.headers)) {
		headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
	}
	const url = new URL(
		URL.canParse(`http://edge${target}`) ? `http://edge${target}` : 'http://edge/'
	);
	const host = hostMeant(kernel, headers.host ?? '');
	const request: SandboxRequest = {
		method: raw.method ?? 'GET',
		path: url.pathname,
		query: url.searchParams,
		headers,
		host: headers.host ?? '',
		body: Buffer.alloc(0),
		target,
		remoteAddress: raw.socket.remoteAddress
	};
	const answer = (response: SandboxResponse) => {
		kernel.calls.add({
			at: kernel.clock.nowMs(),
			vendor: 'edge',
			line: `${request.method} ${target}`,
			status: response.status,
			ms: 0
		});
		const { status } = response;
		socket.end(
			`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`
		);
	};
	socket.on('error', () => socket.destroy());
	const origin = originOf(kernel, host, request.path);
	if (origin.kind === 'error') return answer(errorPage(origin.code, host, '', new Date()));
	const sent = asSeenByOrigin(request, host, `${randomBytes(8).toString('hex')}-MIA`);
	const answered = own(origin);
	if (answered) return answer(answered);
	try {
		const destination = targetOf(origin);
		if (isLoopback(destination.service))
			return joinUpgrade(destination, sent, socket, head, answer);
		forward(kernel, destination, sent).then(answer, () => answer({ status: 502 }));
	} catch {
		answer({ status: 502 });
	}
}
