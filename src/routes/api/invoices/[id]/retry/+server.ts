import { z } from 'zod';
import { tryInvoiceAct } from '#lib/billing/invoiceActRun.server.ts';
import { orderInvoiceAct } from '#lib/billing/invoiceActs.server.ts';
import { actSchema, actView } from '#lib/billing/invoiceView.server.ts';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const POST = endpoint(
	{
		summary:
			'Charge an open invoice now; the act says what the bank said, or ordered while Stripe does not answer',
		permission: 'billing:write',
		params: z.object({ id: z.uuid() }),
		response: actSchema,
		status: 202
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		const { id } = await transaction((tx) =>
			orderInvoiceAct(tx, { invoiceId: params.id, kind: 'retry', by })
		);
		return actView(await tryInvoiceAct(id));
	}
);
