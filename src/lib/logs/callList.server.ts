import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { VendorCall } from '#prisma/generated/client.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { isCallStatus } from './words.ts';

export const CALL_LIST = {
	sort: ['started_at'],
	defaultSort: '-started_at',
	filters: ['vendor', 'status']
} satisfies ListSpec;

export interface CallQuery extends PageRequest {
	/** Looks in the operation, its key and the error. */
	q: string;
	filters: { vendor?: string; status?: string };
	/** Only calls of these runs, or about these rows. */
	about?: { jobIds: string[]; subjectIds: string[] };
}

/** One page of the changing calls to vendors, newest first. */
export async function listCalls(
	tx: Tx,
	query: CallQuery
): Promise<{ rows: VendorCall[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`vendor_calls AS call`,
			where: whereOf(query),
			sortBy: Prisma.sql`call.started_at`,
			sortType: 'timestamptz',
			direction: 'desc',
			id: Prisma.sql`call.id`
		},
		query,
		(id) => tx.vendorCall.findMany({ where: { id } })
	);
}

/** Vendors that were ever called, for the filter. */
export async function calledVendors(tx: Tx): Promise<string[]> {
	const rows = await tx.vendorCall.groupBy({ by: ['vendor'], orderBy: { vendor: 'asc' } });
	return rows.map(({ vendor }) => vendor);
}

function whereOf({ q, filters, about }: CallQuery): Prisma.Sql {
	const conditions = [Prisma.sql`true`];
	if (filters.vendor) conditions.push(Prisma.sql`call.vendor = ${filters.vendor}`);
	if (filters.status && isCallStatus(filters.status))
		conditions.push(Prisma.sql`call.status = ${filters.status}::call_status`);
	if (about)
		conditions.push(
			Prisma.sql`(call.job_id = ANY(${about.jobIds}::uuid[]) OR call.subject_id = ANY(${about.subjectIds}::uuid[]))`
		);
	if (q) {
		const pattern = contains(q);
		conditions.push(
			Prisma.sql`lower(call.operation || ' ' || coalesce(call.key, '') || ' ' || coalesce(call.error, '')) LIKE ${pattern}`
		);
	}
	return Prisma.join(conditions, ' AND ');
}
