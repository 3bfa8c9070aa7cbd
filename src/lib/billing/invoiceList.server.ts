import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { invoiceFacts, plainConditions } from './invoiceSearch.server.ts';

export const INVOICE_LIST = {
	sort: ['issued_at', 'total'],
	defaultSort: '-issued_at',
	filters: ['status']
} satisfies ListSpec;

const select = { ...invoiceFacts, stripeInvoiceId: true } satisfies Prisma.InvoiceSelect;

export type InvoiceRow = Prisma.InvoiceGetPayload<{ select: typeof select }>;

interface Query extends PageRequest {
	sort: { key?: string; direction: 'asc' | 'desc' };
	/** Looks in the number. */
	q?: string;
	/** Stripe's word, or `late`. */
	filters?: { status?: string };
}

/** One page of a customer's invoices, in the order in which they came about or by size. */
export function listInvoices(
	tx: Tx,
	customerId: string,
	query: Query
): Promise<{ rows: InvoiceRow[]; meta: PageMeta }> {
	const conditions = [
		Prisma.sql`invoice.customer_id = ${customerId}::uuid`,
		...plainConditions({ status: query.filters?.status })
	];
	if (query.q) conditions.push(Prisma.sql`lower(invoice.number) LIKE ${contains(query.q)}`);
	const byTotal = query.sort.key === 'total';
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`invoices AS invoice`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: byTotal ? Prisma.sql`invoice.total` : Prisma.sql`invoice.created_at`,
			sortType: byTotal ? 'int8' : 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`invoice.id`
		},
		query,
		(id) => tx.invoice.findMany({ where: { id, customerId }, select })
	);
}

/** A customer's newest invoices. */
export function latestInvoices(tx: Tx, customerId: string, count: number): Promise<InvoiceRow[]> {
	return tx.invoice.findMany({
		where: { customerId },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		take: count,
		select
	});
}
