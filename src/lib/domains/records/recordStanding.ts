import type { RecordStanding } from '#prisma/generated/enums.ts';
import { ownerIn, type Owner } from './marks.ts';

/** A record as it stands in a zone. */
export interface StandingRecord {
	/** Cloudflare's. */
	id: string;
	name: string;
	type: string;
	content: string;
	proxied: boolean;
	ttl: number;
	comment?: string | null | undefined;
}

/** A record that something of ours needs. */
export interface Needed {
	owner: Owner;
	zoneId: string;
	/** The whole name, in lower case. */
	name: string;
	type: 'CNAME' | 'A' | 'AAAA';
	content: string;
	proxied: boolean;
}

/** What of ours wants which records. */
export interface Needs {
	/** What has to be there. */
	needed: Needed[];
	/** What may be there as it is: of a set-up or a removal under way. Keys of `ownedName`. */
	tolerated: Set<string>;
}

export interface Judged {
	standing: RecordStanding;
	/** Null: it is missing. */
	record: StandingRecord | null;
	owner: Owner | null;
	needed: Needed | null;
}

export function ownedName({ kind, id }: Owner, name: string): string {
	return `${kind} ${id} ${name.toLowerCase()}`;
}

/** A name has one CNAME, but any number of addresses: each of those is a record of its own. */
function keyOf(owner: Owner, name: string, type: string, content: string): string {
	const which = type === 'CNAME' ? type : `${type} ${content.toLowerCase()}`;
	return `${ownedName(owner, name)} ${which}`;
}

export function keyOfNeeded({ owner, name, type, content }: Needed): string {
	return keyOf(owner, name, type, content);
}

/** What a record's owner needs in its place; null when it needs nothing there. */
export function neededInPlaceOf(
	record: Pick<StandingRecord, 'name' | 'type' | 'content'>,
	owner: Owner,
	needed: ReadonlyMap<string, Needed>
): Needed | null {
	return needed.get(keyOf(owner, record.name, record.type, record.content)) ?? null;
}

/** Only a proxied record reaches a tunnel, and only an unproxied one our own edge. */
export function isAsNeeded(
	record: Pick<StandingRecord, 'type' | 'content' | 'proxied'>,
	needed: Needed
): boolean {
	return (
		record.type === needed.type &&
		record.content.toLowerCase() === needed.content.toLowerCase() &&
		record.proxied === needed.proxied
	);
}

/** What each record of a zone is to us, and what of ours is missing there. */
export function judge(records: StandingRecord[], { needed, tolerated }: Needs): Judged[] {
	const byKey = new Map(needed.map((one) => [keyOfNeeded(one), one]));
	const met = new Set<Needed>();
	const judged = records.map((record): Judged => {
		const owner = ownerIn(record.comment);
		if (!owner) return { standing: 'foreign', record, owner: null, needed: null };
		const wanted = neededInPlaceOf(record, owner, byKey);
		if (wanted) {
			met.add(wanted);
			const standing = isAsNeeded(record, wanted) ? 'ours' : 'differs';
			return { standing, record, owner, needed: wanted };
		}
		const standing = tolerated.has(ownedName(owner, record.name)) ? 'ours' : 'orphan';
		return { standing, record, owner, needed: null };
	});
	const missing = needed
		.filter((one) => !met.has(one))
		.map((one): Judged => ({ standing: 'missing', record: null, owner: one.owner, needed: one }));
	return [...judged, ...missing];
}

/**
 * What holds before and after a look that took its time: nothing counts as missing that was published, or as an orphan that
 * was deleted, while we read.
 */
export function needsDuring(before: Needs, after: Needs): Needs {
	const later = new Set(after.needed.map(described));
	const earlier = new Set(before.needed.map(described));
	const changing = [...before.needed, ...after.needed].filter(
		(one) => !later.has(described(one)) || !earlier.has(described(one))
	);
	return {
		needed: after.needed.filter((one) => earlier.has(described(one))),
		tolerated: new Set([
			...before.tolerated,
			...after.tolerated,
			...changing.map(({ owner, name }) => ownedName(owner, name))
		])
	};
}

function described(one: Needed): string {
	return `${keyOfNeeded(one)} ${one.content} ${one.proxied}`;
}
