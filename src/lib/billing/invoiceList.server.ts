import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';

export const INVOICE_LIST = { sort: ['issued_at'], defaultSort: '-issued_at' } satisfies ListSpec;

const select = {
	id: true,
	number: true,
	status: true,
	currency: true,
	total: true,
	issuedAt: true,
	createdAt: true,
	stripeInvoiceId: true,
	creditNotes: { select: { amount: true } }
} satisfies Prisma.InvoiceSelect;

export type InvoiceRow = Prisma.InvoiceGetPayload<{ select: typeof select }>;

/** One page of a customer's invoices, in the order in which they came about. */
export function listInvoices(
	tx: Tx,
	customerId: string,
	query: PageRequest & { sort: { direction: 'asc' | 'desc' } }
): Promise<{ rows: InvoiceRow[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`invoices AS invoice`,
			where: Prisma.sql`invoice.customer_id = ${customerId}::uuid`,
			sortBy: Prisma.sql`invoice.created_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`invoice.id`
		},
		query,
		(id) => tx.invoice.findMany({ where: { id, customerId }, select })
	);
}
