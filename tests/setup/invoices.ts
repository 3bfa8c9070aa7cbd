import { randomUUID } from 'node:crypto';
import { orderInvoiceAct } from '#lib/billing/invoiceActs.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import type { InvoiceActKind } from '#prisma/generated/client.ts';
import type { TestStripe } from './stripe.ts';

const person = (label: string): Actor => ({ kind: 'staff', id: randomUUID(), label });

/** Two people of the staff. */
export const ana = person('ana@erp.test');
export const luis = person('luis@erp.test');

/** Ana asks for something to be done with an invoice. */
export function order(
	invoiceId: string,
	kind: InvoiceActKind,
	more: { amount?: number; id?: string; onSession?: boolean; by?: Actor } = {}
) {
	return transaction((tx) =>
		orderInvoiceAct(tx, { invoiceId, kind, reason: 'pruebas', by: ana, ...more })
	);
}

export const actOf = (id: string) => db.invoiceAct.findUniqueOrThrow({ where: { id } });
export const invoiceRow = (id: string) => db.invoice.findUniqueOrThrow({ where: { id } });

/** What the stand-in has of an invoice and its customer. */
export function atStripe(stripe: TestStripe) {
	return {
		notesOf: async (invoice: string) => (await stripe.api.creditNotes.list({ invoice })).data,
		refundsOf: (customer: string) =>
			stripe.server.account.all('refunds').filter((one) => one.customer === customer)
	};
}
