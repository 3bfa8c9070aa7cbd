import type { Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { InvoiceActStatus } from '#prisma/generated/client.ts';

/** What changed at Stripe may be the end of what was asked for: a refund that arrived, or that bounced after all. */
export async function lookAtActs(
	tx: Tx,
	invoiceId: string,
	statuses: InvoiceActStatus[]
): Promise<void> {
	const acts = await tx.invoiceAct.findMany({
		where: { invoiceId, status: { in: statuses }, kind: { in: ['refund', 'retry'] } },
		select: { id: true }
	});
	for (const { id } of acts)
		await enqueue(tx, 'billing.run-invoice-act', { actId: id }, { key: id });
}
