import { Prisma } from '#prisma/generated/client.ts';
import type { AuditEntry } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { erasedEntries, withoutMember, withoutPeople } from './erasedEntries.server.ts';

export const AUDIT_LIST = {
	sort: ['at'],
	defaultSort: '-at',
	filters: ['area', 'from', 'to'],
	pageSize: 50
} satisfies ListSpec;

export interface AuditQuery extends PageRequest {
	/** Looks in the action, who did it and what it was done to. */
	q: string;
	filters: {
		/** First word of the action: `tenants`, `identity`. */
		area?: string;
		/** First and last day, `2026-11-21`, in UTC. */
		from?: string;
		to?: string;
	};
}

export type AuditRow = Omit<AuditEntry, 'xid' | 'sequence'> & { sequence: string | null };

/** One page of the audit log, newest first. Entries about customers that were erased name nobody. */
export async function listAudit(
	tx: Tx,
	query: AuditQuery
): Promise<{ rows: AuditRow[]; meta: PageMeta }> {
	const { rows, meta } = await pageOfRows(
		tx,
		{
			from: Prisma.sql`audit_log AS entry`,
			where: whereOf(query),
			sortBy: Prisma.sql`entry.at`,
			sortType: 'timestamptz',
			direction: 'desc',
			id: Prisma.sql`entry.id`
		},
		query,
		(id) => tx.auditEntry.findMany({ where: { id }, omit: { xid: true } })
	);
	const erased = await erasedEntries(
		tx,
		rows.map(({ id }) => id)
	);
	return {
		rows: rows.map(({ sequence, ...entry }) => ({
			...entry,
			...(erased.has(entry.id) && {
				before: withoutPeople(entry.before),
				after: withoutPeople(entry.after),
				actorLabel: withoutMember(entry.actorKind, entry.actorLabel),
				...(entry.actorKind !== 'staff' && { ip: null })
			}),
			sequence: sequence === null ? null : String(sequence)
		})),
		meta
	};
}

/** Areas in which anything was ever noted, for the filter. */
export async function auditedAreas(tx: Tx): Promise<string[]> {
	const rows = await tx.$queryRaw<{ area: string }[]>`
		SELECT DISTINCT split_part(action, '.', 1) AS area FROM audit_log ORDER BY 1 LIMIT 50`;
	return rows.map(({ area }) => area);
}

function whereOf({ q, filters }: AuditQuery): Prisma.Sql {
	const conditions = [Prisma.sql`true`];
	if (filters.area) conditions.push(Prisma.sql`split_part(entry.action, '.', 1) = ${filters.area}`);
	const from = day(filters.from);
	const to = day(filters.to);
	if (from) conditions.push(Prisma.sql`entry.at >= ${from}::date`);
	if (to) conditions.push(Prisma.sql`entry.at < ${to}::date + 1`);
	if (q) {
		const pattern = contains(q);
		conditions.push(
			Prisma.sql`lower(entry.action || ' ' || entry.actor_label || ' ' || entry.subject_type || ' ' || coalesce(entry.subject_id, '')) LIKE ${pattern}`,
			// Who is shown to nobody is found by nobody.
			Prisma.sql`(entry.actor_kind IN ('staff', 'system') OR lower(entry.actor_label) NOT LIKE ${pattern} OR NOT EXISTS (
				SELECT FROM customers customer WHERE customer.id = entry.customer_id AND customer.erased_at IS NOT NULL))`
		);
	}
	return Prisma.join(conditions, ' AND ');
}

/** A day as it stands in the address; anything else is no filter. */
export function day(text: string | undefined): string | null {
	return text && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
}
