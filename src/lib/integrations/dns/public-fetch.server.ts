import { isIPv6 } from 'node:net';
import { Agent, buildConnector, request as send } from 'undici';
import type { Resolved } from './dns.server.ts';
import { isPrivateAddress } from './private-address.server.ts';

export interface PublicRequest {
	/** `https://acme.sajet.us/web/login`; its host is what is resolved, sent as Host and as SNI. */
	url: string;
	method?: 'GET' | 'HEAD' | 'POST';
	headers?: Record<string, string>;
	/** Of a POST. */
	body?: string;
	/** Connects to this port instead of the URL's; the Host header stays the URL's. */
	port?: number;
	/** From resolving to the last byte; 10 seconds by default. */
	timeoutMs?: number;
	/** The body is cut off here; 256 KiB by default. */
	maxBytes?: number;
}

/** Why there was no HTTP answer. */
export type UnreachableReason =
	'nxdomain' | 'nodata' | 'dns' | 'private_address' | 'refused' | 'timeout' | 'tls' | 'lost';

/** An HTTP answer of any status, redirects included (they are not followed), or why there was none. */
export type PublicAnswer =
	| {
			kind: 'answered';
			status: number;
			headers: Record<string, string>;
			body: string;
			/** What the name resolved to; they are tried in turn. */
			addresses: string[];
	  }
	| { kind: 'unreachable'; reason: UnreachableReason; detail: string };

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 262_144;

/** There was no answer. */
export const gaveUp = (reason: UnreachableReason, detail: string): PublicAnswer => ({
	kind: 'unreachable',
	reason,
	detail
});

export interface PublicWay {
	/** IPv4 and IPv6 addresses of a name. */
	resolve: (name: string) => Promise<Resolved<string>>;
	allowPrivate: boolean;
	/** Every request goes to this address instead of the one that was resolved: the sandbox's edge plays the world. */
	via?: { host: string; port: number };
}

/** Sends one request to the addresses that `resolve` gives for the URL's host. */
export async function publicFetch(
	request: PublicRequest,
	{ resolve, allowPrivate, via }: PublicWay
): Promise<PublicAnswer> {
	const url = new URL(request.url);
	const deadline = Date.now() + (request.timeoutMs ?? TIMEOUT_MS);
	const resolved = await resolve(url.hostname.replace(/^\[|\]$/g, ''));
	if (resolved.kind === 'unreachable') return gaveUp('dns', resolved.reason);
	if (resolved.kind !== 'found') return gaveUp(resolved.kind, url.hostname);
	const inside = allowPrivate ? undefined : resolved.records.find(isPrivateAddress);
	if (inside) return gaveUp('private_address', inside);
	const left = deadline - Date.now();
	if (left <= 0) return gaveUp('timeout', 'resolving took all the time');

	const agent = via
		? agentVia({ ...via, port: request.port ?? via.port }, left)
		: agentFor(resolved.records, request.port, left);
	try {
		const answer = await send(url, {
			dispatcher: agent,
			method: request.method ?? 'GET',
			headers: { 'user-agent': 'erp-core', ...request.headers },
			...(request.body !== undefined && { body: request.body }),
			signal: AbortSignal.timeout(left)
		});
		return {
			kind: 'answered',
			status: answer.statusCode,
			headers: flat(answer.headers),
			body: await readUpTo(answer.body, request.maxBytes ?? MAX_BYTES),
			addresses: resolved.records
		};
	} catch (error) {
		return failure(error);
	} finally {
		await agent.destroy();
	}
}

/** Connects to these addresses whatever the host's name is. Host and SNI come from the URL. */
function agentFor(addresses: string[], port: number | undefined, timeout: number): Agent {
	const known = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
	const connect = buildConnector({
		timeout,
		lookup: (_name, { all }, callback) => {
			const [first] = known;
			if (all || !first) callback(null, known);
			else callback(null, first.address, first.family);
		}
	});
	return new Agent({
		connect: (options, callback) => {
			connect(port === undefined ? options : { ...options, port: String(port) }, callback);
		}
	});
}

/** Connects there whatever the URL says. */
function agentVia(via: { host: string; port: number }, timeout: number): Agent {
	const connect = buildConnector({ timeout });
	return new Agent({
		connect: (options, callback) => {
			connect({ ...options, hostname: via.host, port: String(via.port) }, callback);
		}
	});
}

/** The text of a body, cut off at `most` bytes. */
export async function readUpTo(body: AsyncIterable<Buffer>, most: number): Promise<string> {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of body) {
		chunks.push(chunk);
		size += chunk.length;
		if (size >= most) break;
	}
	return Buffer.concat(chunks).subarray(0, most).toString('utf8');
}

/** Headers with one value each. */
export function flat(
	headers: Record<string, string | string[] | undefined>
): Record<string, string> {
	return Object.fromEntries(
		Object.entries(headers).flatMap(([name, value]) =>
			value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]]
		)
	);
}

/** What kept an answer away. */
export function failure(error: unknown): PublicAnswer {
	const code = error instanceof Error && 'code' in error ? String(error.code) : '';
	const name = error instanceof Error ? error.name : '';
	const detail = error instanceof Error ? error.message : String(error);
	if (name === 'TimeoutError' || name === 'AbortError' || /TIMEOUT|ETIMEDOUT/.test(code)) {
		return gaveUp('timeout', detail);
	}
	if (['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code)) {
		return gaveUp('refused', detail);
	}
	if (/CERT|TLS|SSL|ALTNAME|SELF_SIGNED|UNABLE_TO_/.test(code)) return gaveUp('tls', detail);
	return gaveUp('lost', detail);
}
