import tls from 'node:tls';
import { buildConnector, Pool } from 'undici';
import { isPrivateAddress } from './private-address.server.ts';
import {
	failure,
	flat,
	gaveUp,
	readUpTo,
	type PublicAnswer,
	type PublicRequest,
	type PublicWay
} from './public-fetch.server.ts';

export interface SharedRequest extends PublicRequest {
	/** The domain that the host is directly under, and whose certificate is that of all its neighbours: `sajet.us`. */
	zone: string;
}

export interface SharedFetch {
	/** As `publicFetch`, over connections that the other hosts of the zone use as well. */
	fetch(request: SharedRequest): Promise<PublicAnswer>;
	close(): Promise<void>;
}

/** Connections to one address at most. Whoever does not answer keeps one busy, and nobody shall wait for him. */
const CONNECTIONS = 2_000;
const CONNECT_MS = 5_000;
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 262_144;

/**
 * For looking at thousands of hosts behind one edge: a connection and its TLS handshake serve many of them, as browsers
 * share one among the names of a certificate. Names are resolved for each request, so a host without a record is seen.
 * An answer means what it says; who gets none asks again by `publicFetch`, with a connection of its own, before believing it.
 */
export function sharedFetch({ resolve, allowPrivate, via }: PublicWay): SharedFetch {
	const pools = new Map<string, Pool>();
	const poolTo = (protocol: string, address: string, port: number, zone: string): Pool => {
		const key = `${protocol}//${address}:${port} ${zone}`;
		const known = pools.get(key);
		if (known) return known;
		const host = address.includes(':') ? `[${address}]` : address;
		const pool = new Pool(`${protocol}//${host}:${port}`, {
			connections: CONNECTIONS,
			connect: connectorFor(zone)
		});
		pools.set(key, pool);
		return pool;
	};
	return {
		async fetch(request) {
			const url = new URL(request.url);
			const deadline = Date.now() + (request.timeoutMs ?? TIMEOUT_MS);
			const resolved = await resolve(url.hostname);
			if (resolved.kind === 'unreachable') return gaveUp('dns', resolved.reason);
			if (resolved.kind !== 'found') return gaveUp(resolved.kind, url.hostname);
			const inside = allowPrivate ? undefined : resolved.records.find(isPrivateAddress);
			if (inside) return gaveUp('private_address', inside);
			const left = deadline - Date.now();
			if (left <= 0) return gaveUp('timeout', 'resolving took all the time');
			// Answers of the DNS come in any order: the same one each time is the one that is connected already.
			const address = via?.host ?? resolved.records.toSorted()[0]!;
			const port = request.port ?? via?.port ?? (url.protocol === 'https:' ? 443 : 80);
			// Undici would close the connection for another server name: the zone's own serves for all.
			const options = {
				path: `${url.pathname}${url.search}`,
				method: request.method ?? 'GET',
				headers: { 'user-agent': 'erp-core', ...request.headers, host: url.host },
				signal: AbortSignal.timeout(left),
				servername: request.zone
			};
			try {
				const answer = await poolTo(url.protocol, address, port, request.zone).request(options);
				return {
					kind: 'answered',
					status: answer.statusCode,
					headers: flat(answer.headers),
					body: await readUpTo(answer.body, request.maxBytes ?? MAX_BYTES),
					addresses: resolved.records
				};
			} catch (error) {
				return failure(error);
			}
		},
		close: async () => {
			await Promise.all([...pools.values()].map((pool) => pool.destroy()));
		}
	};
}

/** The certificate must be good for every name directly under the zone: what one host may use, its neighbours may. */
function connectorFor(zone: string) {
	return buildConnector({
		timeout: CONNECT_MS,
		servername: zone,
		checkServerIdentity: (_name, certificate) =>
			tls.checkServerIdentity(`any-of-them.${zone}`, certificate)
	});
}
