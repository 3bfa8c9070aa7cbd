import {
	createServer,
	type IncomingMessage,
	type RequestListener,
	type ServerResponse
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Vendor } from './faults.ts';
import type { Kernel } from './kernel.ts';

export interface SandboxRequest {
	method: string;
	/** Path without the query, not decoded. */
	path: string;
	query: URLSearchParams;
	headers: Record<string, string>;
	host: string;
	body: Buffer;
	/** The request target exactly as sent, for whoever passes it on. */
	target?: string;
	/** Address of the client's socket. */
	remoteAddress?: string;
}

export interface SandboxResponse {
	status: number;
	/** Reason phrase, where a client reads it (Proxmox). */
	reason?: string;
	headers?: Record<string, string | string[]>;
	body?: string | Buffer | object | null;
}

export interface Route {
	method: string;
	/** `/v1/customers/:id`; `*` at the end takes the rest as `params.rest`. */
	path: string;
	/** Real-life milliseconds that the call takes. */
	ms?: number;
	run: (
		request: SandboxRequest,
		params: Record<string, string>
	) => SandboxResponse | Promise<SandboxResponse>;
}

export interface VendorServer {
	port: number;
	close(): Promise<void>;
}

export interface VendorServerOptions {
	port: number;
	tls?: { key: string; cert: string };
	/** Real-life milliseconds of a route that names none. */
	ms?: number;
	/** Answer for a path that no route has. */
	notFound: (request: SandboxRequest) => SandboxResponse;
	/** Runs before the route: authentication, rate limits. An answer ends the call. */
	before?: (request: SandboxRequest) => SandboxResponse | null | Promise<SandboxResponse | null>;
	/** Turns what a route threw into an answer. */
	onError: (error: unknown, request: SandboxRequest) => SandboxResponse;
	/** The sandbox's own pages: no faults, and nothing in the call log. */
	quiet?: boolean;
	upgrade?: (request: IncomingMessage, socket: import('node:stream').Duplex, head: Buffer) => void;
}

/** Serves a vendor's routes on 127.0.0.1 with its latency, its faults and the call log. */
export async function serveVendor(
	kernel: Kernel,
	vendor: Vendor,
	routes: Route[],
	options: VendorServerOptions
): Promise<VendorServer> {
	const compiled = routes.map((route) => ({ route, pattern: compile(route.path) }));

	const answer = async (request: SandboxRequest): Promise<SandboxResponse> => {
		try {
			const refused = await options.before?.(request);
			if (refused) return refused;
			for (const { route, pattern } of compiled) {
				if (route.method !== request.method) continue;
				const found = pattern.exec(request.path);
				if (!found) continue;
				// Tasks are looked at while they run, so that such reads take no time of their own.
				const beside = vendor === 'proxmox' && request.method === 'GET';
				const pause = beside ? kernel.latency : kernel.work;
				await pause.call(kernel, vendor, route.ms ?? options.ms ?? 0);
				return await route.run(request, decodeAll(found.groups ?? {}));
			}
			return options.notFound(request);
		} catch (error) {
			return options.onError(error, request);
		}
	};

	const listener: RequestListener = (raw, response) => {
		const handled = options.quiet
			? read(raw)
					.then(answer)
					.then((result) => send(response, result))
			: handle(kernel, vendor, raw, response, answer);
		// A caller that hung up in the middle of its request must not take the whole sandbox along.
		handled.catch(() => raw.destroy());
	};
	const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
	if (options.upgrade) server.on('upgrade', options.upgrade);
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(options.port, '127.0.0.1', resolve);
	});
	return {
		port: (server.address() as AddressInfo).port,
		close: () =>
			new Promise((resolve) => {
				server.closeAllConnections();
				server.close(() => resolve());
			})
	};
}

async function handle(
	kernel: Kernel,
	vendor: Vendor,
	raw: IncomingMessage,
	response: ServerResponse,
	answer: (request: SandboxRequest) => Promise<SandboxResponse>
): Promise<void> {
	const started = performance.now();
	const request = await read(raw);
	const line = `${request.method} ${raw.url}`;
	const fault = kernel.faults.take(
		vendor,
		line,
		`${request.host}\n${request.body.toString('utf8')}`
	);
	let result: SandboxResponse | null = null;
	if (!fault || fault.when === 'after' || fault.kind === 'delay') {
		if (fault?.kind === 'delay' && fault.when === 'before') await sleep(fault.ms ?? 1000);
		result = await answer(request);
		kernel.faults.struck(fault);
		if (fault?.kind === 'delay' && fault.when === 'after') await sleep(fault.ms ?? 1000);
	}
	const spoiled = fault && fault.kind !== 'delay' ? spoil(fault, response) : false;
	if (!spoiled && result) send(response, result);
	kernel.calls.add({
		at: kernel.clock.nowMs(),
		vendor,
		line,
		request: request.body.toString('utf8'),
		status: spoiled ? fault!.kind : (result?.status ?? 0),
		response: result ? bodyText(result) : undefined,
		ms: Math.round(performance.now() - started),
		fault: fault?.kind
	});
}

/** True when the fault took the answer's place. */
function spoil(fault: Fault, response: ServerResponse): boolean {
	switch (fault.kind) {
		case 'status':
			send(response, { status: fault.status ?? 500, body: fault.body ?? '' });
			return true;
		case 'malformed':
			response.writeHead(200, { 'content-type': 'application/json' });
			response.end(fault.body ?? '<html>not what you expected');
			return true;
		case 'reset':
		case 'drop':
			response.socket?.destroy();
			return true;
		case 'timeout':
			return true;
		default:
			return false;
	}
}

async function read(raw: IncomingMessage): Promise<SandboxRequest> {
	const chunks: Buffer[] = [];
	for await (const chunk of raw) chunks.push(chunk as Buffer);
	// Not `new URL(path, base)`: a target such as `//x` would name a host there, or throw.
	const address = `http://sandbox${raw.url ?? '/'}`;
	const url = new URL(URL.canParse(address) ? address : 'http://sandbox/');
	const headers: Record<string, string> = {};
	for (const [name, value] of Object.entries(raw.headers)) {
		headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
	}
	return {
		method: raw.method ?? 'GET',
		path: url.pathname,
		query: url.searchParams,
		headers,
		host: headers.host ?? '',
		body: Buffer.concat(chunks),
		target: raw.url,
		remoteAddress: raw.socket.remoteAddress
	};
}

function bodyText(result: SandboxResponse): string {
	const { body } = result;
	if (body === undefined || body === null) return '';
	if (typeof body === 'string') return body;
	return Buffer.isBuffer(body) ? `(${body.length} bytes)` : JSON.stringify(body);
}

export function send(response: ServerResponse, result: SandboxResponse): void {
	const { body } = result;
	const headers = { ...result.headers };
	const isObject = typeof body === 'object' && body !== null && !Buffer.isBuffer(body);
	const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
	if (!hasType && body !== undefined && body !== null) {
		headers['content-type'] = isObject ? 'application/json' : 'text/plain; charset=utf-8';
	}
	if (result.reason) response.writeHead(result.status, result.reason, headers);
	else response.writeHead(result.status, headers);
	response.end(isObject ? JSON.stringify(body) : (body ?? ''));
}

function compile(path: string): RegExp {
	const source = path
		.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
		.replace(/:(\w+)/g, '(?<$1>[^/]+)')
		.replace(/\*$/, '(?<rest>.*)');
	return new RegExp(`^${source}$`);
}

function decodeAll(groups: Record<string, string>): Record<string, string> {
	return Object.fromEntries(
		Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)])
	);
}
