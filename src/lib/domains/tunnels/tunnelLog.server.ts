import type { TunnelChange, TunnelChangeKind } from '#prisma/generated/client.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import { storable } from '../../logs/json.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import type { IngressDiff } from './ingressDiff.ts';

/** Rules that a row of the log keeps of each sort; how many there were it keeps always. */
const KEPT = 40;

/** A difference as the log keeps it. */
export interface KeptDiff extends IngressDiff {
	counts: { added: number; removed: number; changed: number };
	/** Hash of the document that was looked at, where somebody may decide about exactly that one. */
	document?: string;
}

export function keptDiff(diff: IngressDiff, document?: string): KeptDiff {
	const { added, removed, changed, moved } = diff;
	return {
		added: added.slice(0, KEPT),
		removed: removed.slice(0, KEPT),
		changed: changed.slice(0, KEPT),
		moved,
		counts: { added: added.length, removed: removed.length, changed: changed.length },
		...(document === undefined ? {} : { document })
	};
}

export interface NewChange {
	tunnelId: string;
	kind: TunnelChangeKind;
	/** Who, when it was a person. */
	byLabel?: string | null;
	remoteVersion?: number | null;
	diff?: KeptDiff;
}

/** Notes what happened to a tunnel, and tells who looks at it. */
export async function noteChange(tx: Tx, change: NewChange): Promise<void> {
	const { tunnelId, kind, byLabel = null, remoteVersion = null, diff } = change;
	await tx.tunnelChange.create({
		data: {
			...{ tunnelId, kind, byLabel, remoteVersion, at: now() },
			diff: diff ? storable(diff) : Prisma.DbNull
		}
	});
	await publish(tx, [`tunnel:${tunnelId}`, 'staff:tunnels'], tunnelId);
}

export const CHANGE_LIST = { sort: ['at'], defaultSort: '-at' } as const satisfies ListSpec;

/** What somebody else wrote the last time that it was seen. */
export function lastDrift(tx: Tx, tunnelId: string): Promise<TunnelChange | null> {
	return tx.tunnelChange.findFirst({
		where: { tunnelId, kind: 'drifted' },
		orderBy: { at: 'desc' }
	});
}

/** One page of what happened to a tunnel, the latest first unless asked otherwise. */
export function listChanges(
	tx: Tx,
	tunnelId: string,
	query: PageRequest & { sort: { direction: 'asc' | 'desc' } }
): Promise<{ rows: TunnelChange[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`tunnel_changes AS change`,
			where: Prisma.sql`change.tunnel_id = ${tunnelId}::uuid`,
			sortBy: Prisma.sql`change.at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`change.id`
		},
		query,
		(id) => tx.tunnelChange.findMany({ where: { id } })
	);
}
