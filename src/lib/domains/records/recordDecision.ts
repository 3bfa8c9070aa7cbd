import type { RecordAct } from '#prisma/generated/enums.ts';
import { isSameOwner, ownerIn, type Owner } from './marks.ts';
import {
	isAsNeeded,
	keyOfNeeded,
	neededInPlaceOf,
	ownedName,
	type Needed,
	type Needs,
	type StandingRecord
} from './recordStanding.ts';

/** A change as somebody asked for it. */
export interface AskedChange {
	act: RecordAct;
	/** Null for one that has to be made, or that its owner's mark alone names. */
	cloudflareId: string | null;
	name: string;
	type: string;
	content: string;
	owner: Owner;
}

/**
 * Why a change is not carried out: what stands there is no longer ours, its name or type is another one, it is gone, it is
 * wanted again, nothing wants it any more, or another record has taken the name.
 */
export type RefusalReason = 'not_ours' | 'changed' | 'gone' | 'wanted' | 'unwanted' | 'taken';

export type Decision =
	| { act: 'delete'; id: string }
	| { act: 'patch'; id: string; content: string; proxied: boolean }
	| { act: 'post'; needed: Needed }
	/** What was asked for is so already. */
	| { act: 'nothing' }
	| { act: 'refuse'; reason: RefusalReason };

/** The needs of our own in a form that one asks many times. */
export interface NeedsIndex {
	needed: Map<string, Needed>;
	tolerated: Set<string>;
}

export function indexOf({ needed, tolerated }: Needs): NeedsIndex {
	return { needed: new Map(needed.map((one) => [keyOfNeeded(one), one])), tolerated };
}

/**
 * What is to be done about a change now, from what stands there this moment and what our database wants this moment. A
 * record whose comment is not exactly ours is never touched, whatever was asked for.
 * @param there every record under the name, and the one with the id
 * @param leaving ids that the same call deletes before
 */
export function decide(
	change: AskedChange,
	there: StandingRecord[],
	needs: NeedsIndex,
	leaving: ReadonlySet<string> = new Set()
): Decision {
	if (change.act === 'create') return decideCreation(change, there, needs, leaving);
	const record = there.find((one) =>
		change.cloudflareId
			? one.id === change.cloudflareId
			: one.type === change.type && isSameOwner(ownerIn(one.comment), change.owner)
	);
	if (!record) return change.act === 'delete' ? { act: 'nothing' } : refuse('gone');
	if (!isSameOwner(ownerIn(record.comment), change.owner)) return refuse('not_ours');
	if (record.name.toLowerCase() !== change.name.toLowerCase() || record.type !== change.type)
		return refuse('changed');
	const needed = neededInPlaceOf(record, change.owner, needs.needed);
	if (change.act === 'delete') {
		const isWanted = needed || needs.tolerated.has(ownedName(change.owner, record.name));
		return isWanted ? refuse('wanted') : { act: 'delete', id: record.id };
	}
	if (!needed) return refuse('unwanted');
	if (isAsNeeded(record, needed)) return { act: 'nothing' };
	return { act: 'patch', id: record.id, content: needed.content, proxied: needed.proxied };
}

function decideCreation(
	change: AskedChange,
	there: StandingRecord[],
	needs: NeedsIndex,
	leaving: ReadonlySet<string>
): Decision {
	const needed = neededInPlaceOf(change, change.owner, needs.needed);
	if (!needed) return refuse('unwanted');
	const atName = there.filter(
		({ id, name, type }) =>
			!leaving.has(id) &&
			name.toLowerCase() === needed.name &&
			['A', 'AAAA', 'CNAME'].includes(type)
	);
	const isOwn = (record: StandingRecord) =>
		isSameOwner(ownerIn(record.comment), change.owner) &&
		neededInPlaceOf(record, change.owner, needs.needed) !== null;
	if (atName.some((record) => !isOwn(record))) return refuse('taken');
	const own = atName.find(
		(record) => neededInPlaceOf(record, change.owner, needs.needed) === needed
	);
	if (!own) return { act: 'post', needed };
	if (isAsNeeded(own, needed)) return { act: 'nothing' };
	return { act: 'patch', id: own.id, content: needed.content, proxied: needed.proxied };
}

function refuse(reason: RefusalReason): Decision {
	return { act: 'refuse', reason };
}
