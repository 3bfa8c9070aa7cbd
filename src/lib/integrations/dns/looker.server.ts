import type packet from 'dns-packet';
import {
	bare,
	looked,
	readAddress,
	readCaa,
	readName,
	readOutcome,
	readSoa,
	readText,
	unreachable,
	type Looked
} from './answer.server.ts';
import { ask, type Asking } from './ask.server.ts';
import type { Question } from './exchange.server.ts';
import { isPrivateAddress } from './private-address.server.ts';

type Read<T> = (answer: packet.Answer) => T | null;

export interface LookerConfig extends Omit<Asking, 'signal' | 'authoritative'> {
	/** Where zones' own name servers listen: 53, but in the sandbox. */
	authoritativePort: number;
	allowPrivateAddresses: boolean;
}

export interface LookerOptions {
	/** Everything ends here, whatever is known by then. */
	withinMs: number;
	/** Zones' own servers are asked too, and believed before resolvers, which remember what was not there. */
	fresh: boolean;
}

/** The CAA set that counts for a name (RFC 8659). */
export interface CaaSeen {
	/** The name that it stands at. */
	at: string;
	/** Who may issue; empty: nobody. */
	issuers: string[];
}

export interface ZoneSeen {
	name: string;
	nameservers: string[];
}

/** One look at the DNS around a name: nothing is asked twice, everything ends in time. */
export interface Looker {
	/** A and AAAA records and the chain that leads to them; the kind is that of A unless only AAAA is there. */
	addresses(name: string): Promise<Looked<string> & { a: string[]; aaaa: string[] }>;
	/** One entry a record, its strings joined. */
	texts(name: string): Promise<Looked<string>>;
	/** Name servers at exactly this name. */
	nameservers(name: string): Promise<Looked<string>>;
	soa(name: string): Promise<Looked<packet.SoaData>>;
	/** The zone that holds a name: the nearest name upwards with NS records; null when none was seen. */
	zone(name: string): Promise<ZoneSeen | null>;
	/** Null: any authority may issue, as far as is known. */
	caa(name: string): Promise<CaaSeen | null>;
}

/** RFC 8914: what validation found wrong, from "DNSSEC bogus" to "NSEC missing". */
const VALIDATION_ERRORS = [6, 7, 8, 9, 10, 11, 12];
const LONGEST_CHAIN = 12;
const MOST_SERVERS = 6;
const MOST_LABELS = 12;
/** Of the time in all, so that what the resolvers say is still known when a zone's servers are silent. */
const FRESH_SHARE = 0.6;

export function looker(config: LookerConfig, options: LookerOptions): Looker {
	const signal = AbortSignal.timeout(options.withinMs);
	const freshSignal = AbortSignal.timeout(Math.round(options.withinMs * FRESH_SHARE));
	const addressesAndTexts = new Map<string, Promise<Looked<string>>>();
	const delegations = new Map<string, Promise<Looked<string>>>();
	const zones = new Map<string, Promise<ZoneSeen | null>>();
	const servers = new Map<string, Promise<string[]>>();

	const once = <K, V>(memory: Map<K, V>, key: K, make: () => V): V => {
		const known = memory.get(key);
		if (known !== undefined) return known;
		const made = make();
		memory.set(key, made);
		return made;
	};
	const recursive = (name: string, type: packet.RecordType, unchecked = false) => {
		const question: Question = { name: bare(name), type, recursive: true, unchecked };
		return ask(question, { ...config, signal });
	};

	/** As the world's resolvers see it. */
	const publicly = async <T>(
		name: string,
		type: packet.RecordType,
		read: Read<T>
	): Promise<Looked<T>> => {
		const outcome = await recursive(name, type);
		if (outcome.kind === 'answered' || !outcome.reply)
			return readOutcome(outcome, name, type, read);
		const told = outcome.reply.errors.some((error) => VALIDATION_ERRORS.includes(error));
		const unchecked = await recursive(name, type, true);
		const without = readOutcome(unchecked, name, type, read);
		if (told) return { ...without, kind: 'bogus', reason: 'EBOGUS' };
		if (unchecked.kind === 'answered') {
			// One failure may have been a passing one.
			const again = await recursive(name, type);
			return again.kind === 'answered'
				? readOutcome(again, name, type, read)
				: { ...without, kind: 'bogus', reason: 'EBOGUS' };
		}
		const cnames = await circle(name);
		return cnames
			? { kind: 'loop', records: [], cnames, reason: null, fresh: false }
			: unreachable(outcome.reason);
	};

	/** Resolvers give up on a circle of CNAMEs: it is walked step by step. Null when it ends. */
	const circle = async (name: string): Promise<string[] | null> => {
		const names: string[] = [];
		for (let at = bare(name); names.length < LONGEST_CHAIN;) {
			const step = readOutcome(await recursive(at, 'CNAME'), at, 'CNAME', readName);
			const target = step.records[0];
			if (target === undefined) return null;
			const closes = names.includes(target) || target === bare(name);
			names.push(target);
			if (closes) return names;
			at = target;
		}
		return names;
	};

	const zoneOf = (name: string) =>
		once(zones, bare(name), async () => {
			const candidates = ancestors(name).filter((one) => one.includes('.'));
			const seen = await Promise.all(
				candidates.map(async (one) => ({ one, ...(await self.nameservers(one)) }))
			);
			const zone = seen.find(({ records, cnames }) => records.length > 0 && cnames.length === 0);
			return zone ? { name: zone.one, nameservers: [...zone.records].sort() } : null;
		});

	/** Addresses of the zone's own servers; those inside our network are left out. */
	const serversOf = (zone: ZoneSeen) =>
		once(servers, zone.name, async () => {
			const found = await Promise.all(
				zone.nameservers.map((server) =>
					Promise.all([publicly(server, 'A', readAddress), publicly(server, 'AAAA', readAddress)])
				)
			);
			const addresses = [
				...found.flatMap(([v4]) => v4.records),
				...found.flatMap(([, v6]) => v6.records)
			];
			return addresses
				.filter((one) => config.allowPrivateAddresses || !isPrivateAddress(one))
				.slice(0, MOST_SERVERS);
		});

	/** As the zone's own servers say it; null when none of them does. */
	const freshly = async <T>(
		name: string,
		type: packet.RecordType,
		read: Read<T>
	): Promise<Looked<T> | null> => {
		const cnames: string[] = [];
		let at = bare(name);
		for (let hop = 0; hop < LONGEST_CHAIN; hop += 1) {
			const zone = await zoneOf(at);
			const hosts = zone ? await serversOf(zone) : [];
			if (!zone || hosts.length === 0) return null;
			const outcome = await ask(
				{ name: at, type, recursive: false, unchecked: false },
				{
					...config,
					servers: hosts.map((host) => ({ host, port: config.authoritativePort })),
					...{ tries: 1, signal: freshSignal, authoritative: true }
				}
			);
			if (outcome.kind !== 'answered') return null;
			const step = looked(outcome.reply, at, type, read);
			const names = [...cnames, ...step.cnames];
			const end = step.cnames.at(-1);
			if (step.kind === 'found' || end === undefined || step.kind === 'loop') {
				return { ...step, cnames: names };
			}
			// It leads on to a name that these servers have not followed.
			if (names.indexOf(end) < names.length - 1 || end === bare(name)) {
				return { ...step, kind: 'loop', cnames: names };
			}
			cnames.push(...step.cnames);
			if (end !== zone.name && !end.endsWith(`.${zone.name}`)) {
				const rest = await publicly(end, type, read);
				return { ...rest, cnames: [...cnames, ...rest.cnames], fresh: true };
			}
			if (step.kind === 'nxdomain') return { ...step, cnames: names };
			at = end;
		}
		return null;
	};

	const look = async <T>(
		name: string,
		type: packet.RecordType,
		read: Read<T>
	): Promise<Looked<T>> => {
		const [world, zone] = await Promise.all([
			publicly(name, type, read),
			options.fresh ? freshly(name, type, read) : null
		]);
		// Whatever the zone itself says: visitors do not get it while the signatures are broken.
		if (!zone || world.kind === 'bogus' || zone.kind === 'unreachable') return world;
		return zone;
	};
	const remembered = (name: string, type: 'A' | 'AAAA' | 'TXT') => {
		const read = type === 'TXT' ? readText : readAddress;
		return once(addressesAndTexts, `${bare(name)} ${type}`, () => look(name, type, read));
	};

	const self: Looker = {
		addresses: async (name) => {
			const [v4, v6] = await Promise.all([remembered(name, 'A'), remembered(name, 'AAAA')]);
			const main = v4.kind !== 'found' && v6.kind === 'found' ? v6 : v4;
			return { ...main, a: v4.records, aaaa: v6.records };
		},
		texts: (name) => remembered(name, 'TXT'),
		// Delegations are the parent's word: resolvers are asked, whoever else is.
		nameservers: (name) => once(delegations, bare(name), () => publicly(name, 'NS', readName)),
		soa: (name) => look(name, 'SOA', readSoa),
		zone: zoneOf,
		caa: async (name) => {
			const seen = await Promise.all(
				ancestors(name).map(async (at) => ({ at, ...(await look(at, 'CAA', readCaa)) }))
			);
			const set = seen.find(({ records }) => records.length > 0);
			return set ? restriction(set.cnames.at(-1) ?? set.at, set.records) : null;
		}
	};
	return self;
}

/** The name and all above it, without the root. */
function ancestors(name: string): string[] {
	const labels = bare(name).split('.');
	return labels.map((_, index) => labels.slice(index).join('.')).slice(-MOST_LABELS);
}

/** RFC 8659, 4.2: without an `issue` property anybody may; one that is critical and unknown forbids everybody. */
function restriction(at: string, records: packet.CaaData[]): CaaSeen | null {
	const known = ['issue', 'issuewild', 'iodef'];
	const tagged = records.map((record) => ({ ...record, tag: record.tag.toLowerCase() }));
	if (tagged.some(({ tag, issuerCritical }) => issuerCritical && !known.includes(tag))) {
		return { at, issuers: [] };
	}
	const issue = tagged.filter(({ tag }) => tag === 'issue');
	if (issue.length === 0) return null;
	const domains = issue.map(({ value }) => (value.split(';')[0] ?? '').trim().toLowerCase());
	return { at, issuers: [...new Set(domains.filter((domain) => domain !== ''))].sort() };
}
