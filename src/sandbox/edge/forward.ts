import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
/** Cloudflare waits this long for an origin's answer (error 524). */
const LONGEST_ANSWER_MS = 100_000;
const HOP_BY_HOP = new Set([
	...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
	...['transfer-encoding', 'upgrade', 'proxy-connection']
]);

/** The origin could not be reached or did not answer; `code` is the page that Cloudflare shows. */
export class OriginError extends Error {
	readonly code: 502 | 522 | 524;

	constructor(code: 502 | 522 | 524, options?: ErrorOptions) {
		super(`origin error ${code}`, options);
		this.code = code;
	}
}

export interface Target {
	/** `http://10.0.0.5:8069`. */
	service: URL;
	originRequest: Record<string, unknown>;
}

/** Sends a request to its service: really over HTTP on loopback, else to the container of that address. */
export async function forward(
	kernel: Kernel,
	{ service, originRequest }: Target,
	request: SandboxRequest
): Promise<SandboxResponse> {
	if (service.protocol !== 'http:' && service.protocol !== 'https:') throw new OriginError(502);
	const { httpHostHeader } = originRequest;
	const replaced = typeof httpHostHeader === 'string' && httpHostHeader !== '';
	const host = replaced ? httpHostHeader : request.host;
	// cloudflared passes the name that it replaces on in this header.
	const before: Record<string, string> = replaced ? { 'x-forwarded-host': request.host } : {};
	const sent = { ...request, host, headers: { ...request.headers, ...before, host } };
	if (LOOPBACK.has(service.hostname)) return overHttp(service, originRequest, sent);
	const handler = kernel.network.service(service.hostname, portOf(service));
	if (!handler) throw new OriginError(502);
	try {
		return await handler(sent);
	} catch (cause) {
		throw new OriginError(502, { cause });
	}
}

export function isLoopback(service: URL): boolean {
	return LOOPBACK.has(service.hostname);
}

function portOf({ port, protocol }: URL): number {
	return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

function open(service: URL, originRequest: Record<string, unknown>, request: SandboxRequest) {
	const send = service.protocol === 'https:' ? httpsRequest : httpRequest;
	return send({
		hostname: service.hostname.replace(/^\[|\]$/g, ''),
		port: portOf(service),
		method: request.method,
		path: request.target ?? request.path,
		headers: request.headers,
		rejectUnauthorized: originRequest.noTLSVerify !== true
	});
}

function overHttp(
	service: URL,
	originRequest: Record<string, unknown>,
	request: SandboxRequest
): Promise<SandboxResponse> {
	return new Promise((resolve, reject) => {
		const headers: Record<string, string> = {};
		for (const [name, value] of Object.entries(request.headers)) {
			if (!HOP_BY_HOP.has(name)) headers[name] = value;
		}
		const outgoing = open(service, originRequest, { ...request, headers });
		outgoing.setTimeout(LONGEST_ANSWER_MS, () => outgoing.destroy(new OriginError(524)));
		outgoing.on('error', (cause) => {
			reject(cause instanceof OriginError ? cause : new OriginError(502, { cause }));
		});
		outgoing.on('response', (incoming) => {
			const chunks: Buffer[] = [];
			incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
			incoming.on('error', (cause) => reject(new OriginError(502, { cause })));
			incoming.on('end', () => {
				resolve({
					status: incoming.statusCode ?? 502,
					headers: answered(incoming),
					body: Buffer.concat(chunks)
				});
			});
		});
		outgoing.end(request.body);
	});
}

function answered(incoming: IncomingMessage): Record<string, string | string[]> {
	const headers: Record<string, string | string[]> = {};
	for (const [name, value] of Object.entries(incoming.headers)) {
		if (value !== undefined && !HOP_BY_HOP.has(name)) headers[name] = value;
	}
	return headers;
}

/** Joins a WebSocket's two ends. @param refuse answers the browser when the service does not switch */
export function joinUpgrade(
	{ service, originRequest }: Target,
	request: SandboxRequest,
	socket: Duplex,
	head: Buffer,
	refuse: (response: SandboxResponse) => void
): void {
	const outgoing = open(service, originRequest, request);
	outgoing.on('upgrade', (incoming, upstream, upstreamHead) => {
		const lines = [`HTTP/1.1 101 ${incoming.statusMessage ?? 'Switching Protocols'}`];
		for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
			lines.push(`${incoming.rawHeaders[index]}: ${incoming.rawHeaders[index + 1]}`);
		}
		socket.write(`${lines.join('\r\n')}\r\n\r\n`);
		if (upstreamHead.length > 0) socket.write(upstreamHead);
		if (head.length > 0) upstream.write(head);
		socket.pipe(upstream).pipe(socket);
		// Either end may vanish: the other one goes with it.
		socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
		upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
	});
	outgoing.on('response', (incoming) => {
		incoming.resume();
		refuse({ status: incoming.statusCode ?? 502, headers: {}, body: '' });
	});
	outgoing.on('error', () => refuse({ status: 502, headers: {}, body: 'error code: 502' }));
	socket.on('error', () => outgoing.destroy());
	outgoing.end();
}
