import { isIP } from 'node:net';
import type packet from 'dns-packet';
import type { CallRecorder } from '../record.ts';
import { bare, readAddress, readName, readOutcome, readText } from './answer.server.ts';
import { ask, serverFrom } from './ask.server.ts';
import { lookAtHttps, type HttpsLook, type HttpsLookRequest } from './look-at-https.server.ts';
import { looker, type Looker, type LookerOptions } from './looker.server.ts';
import { publicFetch, type PublicAnswer, type PublicRequest } from './public-fetch.server.ts';
import { sharedFetch, type SharedFetch } from './shared-fetch.server.ts';

export interface DnsConfig {
	/** `address:port` (`[address]:port` for IPv6); the port is 53 when left out. The next is asked when one fails. */
	servers: string[];
	/** Of one try at one server; 2 seconds by default. */
	timeoutMs?: number;
	/** Tries at each server; 2 by default. */
	tries?: number;
	/**
	 * Lets `publicFetch` and `lookAtHttps` connect to loopback and private addresses, and zones' own servers be asked
	 * there. False by default: a customer's DNS must not lead our request into our own network.
	 */
	allowPrivateAddresses?: boolean;
	/** Where zones' own name servers listen; 53 by default. */
	authoritativePort?: number;
	/** Everything that is opened by name is asked for here: the sandbox's edge plays the whole world. */
	via?: { host: string; port: number };
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
	/** IPv6 addresses, CNAMEs followed. */
	resolveAaaa(name: string): Promise<Resolved<string>>;
	/** The name's own CNAME, lower case, without the last dot. An apex or proxied record has none. */
	resolveCname(name: string): Promise<Resolved<string>>;
	/** Each record's strings joined. */
	resolveTxt(name: string): Promise<Resolved<string>>;
	/** One look at all around a name, with what is wrong: signatures, circles, servers that are silent. */
	looker(options: LookerOptions): Looker;
	/** Asks a public URL as the world does: names by these servers, never by the machine's own. */
	publicFetch(request: PublicRequest): Promise<PublicAnswer>;
	/** The same for thousands of hosts behind one edge, which share their connections; close it when done. */
	sharedFetch(): SharedFetch;
	/** Who answers for a name at port 443 of these addresses, and with which certificate. */
	lookAtHttps(name: string, request: HttpsLookRequest): Promise<HttpsLook>;
}

const TIMEOUT_MS = 2000;
const TRIES = 2;
const PORT = 53;
/** In a look with little time, the next server is asked besides when one has been silent for so long. */
const HEDGE_MS = 300;
const LONGEST_LOOK_TRY_MS = 1000;

/** Looks names up at the given public servers instead of the system's. Failures are answers, not exceptions. */
export function dns(config: DnsConfig, record: CallRecorder): Dns {
	if (config.servers.length === 0) throw new Error('dns needs at least one server');
	const { timeoutMs = TIMEOUT_MS, tries = TRIES } = config;
	const servers = config.servers.map(serverFrom);
	const allowPrivate = config.allowPrivateAddresses ?? false;
	const { via } = config;

	const resolve = (
		type: 'A' | 'AAAA' | 'CNAME' | 'TXT',
		name: string,
		read: (answer: packet.Answer) => string | null
	): Promise<Resolved<string>> =>
		record(
			{
				...{ vendor: 'dns', operation: `resolve.${type.toLowerCase()}` },
				...{ request: { name }, changes: false }
			},
			async () => {
				const question = { name: bare(name), type, recursive: true, unchecked: false };
				const outcome = await ask(question, { servers, timeoutMs, tries });
				const seen = readOutcome(outcome, bare(name), type, read);
				if (seen.kind === 'found') return { kind: 'found', records: seen.records };
				if (seen.kind === 'nxdomain' || seen.kind === 'nodata') return { kind: seen.kind };
				return { kind: 'unreachable', reason: seen.reason ?? 'ESERVFAIL' };
			}
		);
	const resolveA = (name: string) => resolve('A', name, readAddress);
	const resolveAaaa = (name: string) => resolve('AAAA', name, readAddress);

	/** Addresses are taken as they are. */
	const addressesOf = async (name: string): Promise<Resolved<string>> => {
		if (isIP(name) > 0) return { kind: 'found', records: [name] };
		const [v4, v6] = await Promise.all([resolveA(name), resolveAaaa(name)]);
		const records = [v4, v6].flatMap((one) => (one.kind === 'found' ? one.records : []));
		if (records.length > 0) return { kind: 'found', records };
		// An outage must not read as "no such name".
		return v4.kind !== 'unreachable' && v6.kind === 'unreachable' ? v6 : v4;
	};

	return {
		resolveA,
		resolveAaaa,
		resolveCname: (name) => resolve('CNAME', name, readName),
		resolveTxt: (name) => resolve('TXT', name, readText),
		looker: (options) =>
			looker(
				{
					...{ servers, tries, hedgeMs: HEDGE_MS, allowPrivateAddresses: allowPrivate },
					timeoutMs: Math.min(timeoutMs, LONGEST_LOOK_TRY_MS),
					authoritativePort: config.authoritativePort ?? PORT
				},
				options
			),
		publicFetch: (request) => {
			const { url, method = 'GET', port } = request;
			return record(
				{
					...{ vendor: 'dns', operation: 'public.fetch' },
					...{ request: { url, method, port }, changes: method === 'POST' }
				},
				() => publicFetch(request, { resolve: addressesOf, allowPrivate, via })
			);
		},
		sharedFetch: () =>
			sharedFetch({
				// One question instead of two: who has only IPv6 addresses is asked for them after that.
				resolve: async (name) => {
					const v4 = await resolveA(name);
					return v4.kind === 'nodata' ? addressesOf(name) : v4;
				},
				...{ allowPrivate, via }
			}),
		lookAtHttps: (name, request) =>
			record(
				{
					...{ vendor: 'dns', operation: 'look.https' },
					...{ request: { name, addresses: request.addresses }, changes: false }
				},
				() => lookAtHttps(name, request, { allowPrivate, via })
			)
	};
}
