import { promises } from 'node:dns';
import { isIP } from 'node:net';
import type { CallRecorder } from '../record.ts';
import { publicFetch, type PublicAnswer, type PublicRequest } from './public-fetch.server.ts';

export interface DnsConfig {
	/** `address:port` (`[address]:port` for IPv6); the port is 53 when left out. The next is asked when one fails. */
	servers: string[];
	/** Of one try at one server; 2 seconds by default. */
	timeoutMs?: number;
	/** Tries at each server; 2 by default. */
	tries?: number;
	/**
	 * Lets `publicFetch` connect to loopback and private addresses. False by default: a customer's DNS must not
	 * lead our request into our own network.
	 */
	allowPrivateAddresses?: boolean;
}

/**
 * What the DNS says. `nxdomain`: no such name · `nodata`: the name exists without such a record ·
 * `unreachable`: no server gave a usable answer, so nothing is known.
 */
export type Resolved<T> =
	| { kind: 'found'; records: T[] }
	| { kind: 'nxdomain' }
	| { kind: 'nodata' }
	| { kind: 'unreachable'; reason: string };

export interface Dns {
	/** IPv4 addresses, CNAMEs followed. */
	resolveA(name: string): Promise<Resolved<string>>;
	/** The name's own CNAME, lower case, without the last dot. An apex or proxied record has none. */
	resolveCname(name: string): Promise<Resolved<string>>;
	/** Each record's strings joined. */
	resolveTxt(name: string): Promise<Resolved<string>>;
	/** Asks a public URL as the world does: names by these servers, never by the machine's own. */
	publicFetch(request: PublicRequest): Promise<PublicAnswer>;
}

const TIMEOUT_MS = 2000;
const TRIES = 2;

/** Looks names up at the given public servers instead of the system's. Failures are answers, not exceptions. */
export function dns(config: DnsConfig, record: CallRecorder): Dns {
	if (config.servers.length === 0) throw new Error('dns needs at least one server');
	const ask = <R, T>(
		type: string,
		name: string,
		query: (resolver: promises.Resolver) => Promise<R[]>,
		text: (answer: R) => T
	): Promise<Resolved<T>> =>
		record(
			{ vendor: 'dns', operation: `resolve.${type}`, request: { name }, changes: false },
			async () => {
				// A new resolver each time: an old one remembers which server failed, and answers.
				const resolver = new promises.Resolver({
					timeout: config.timeoutMs ?? TIMEOUT_MS,
					tries: config.tries ?? TRIES
				});
				resolver.setServers(config.servers);
				try {
					const records = (await query(resolver)).map(text);
					// A CNAME that ends nowhere comes back as an empty list.
					return records.length > 0 ? { kind: 'found', records } : { kind: 'nodata' };
				} catch (error) {
					return failure(error);
				}
			}
		);
	const bare = (name: string) => name.toLowerCase().replace(/\.$/, '');
	const resolveA = (name: string) =>
		ask(
			'a',
			name,
			(resolver) => resolver.resolve4(name),
			(address) => address
		);

	return {
		resolveA,
		resolveCname: (name) => ask('cname', name, (resolver) => resolver.resolveCname(name), bare),
		resolveTxt: (name) =>
			ask(
				'txt',
				name,
				(resolver) => resolver.resolveTxt(name),
				(strings) => strings.join('')
			),
		publicFetch: (request) => {
			const { url, method = 'GET' } = request;
			return record(
				{
					vendor: 'dns',
					operation: 'public.fetch',
					request: { url, method, port: request.port },
					changes: false
				},
				() => publicFetch(request, addressOf(resolveA), config.allowPrivateAddresses ?? false)
			);
		}
	};
}

/** Addresses are taken as they are. */
function addressOf(resolveA: Dns['resolveA']): Dns['resolveA'] {
	return async (name) =>
		isIP(name) > 0 ? { kind: 'found', records: [name] } : await resolveA(name);
}

function failure(
	error: unknown
): { kind: 'nxdomain' } | { kind: 'nodata' } | { kind: 'unreachable'; reason: string } {
	const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
	if (code === 'ENOTFOUND') return { kind: 'nxdomain' };
	if (code === 'ENODATA') return { kind: 'nodata' };
	// ETIMEOUT, ESERVFAIL, EREFUSED, ECONNREFUSED, EBADRESP …: an outage must not read as "no such name".
	return { kind: 'unreachable', reason: code };
}
