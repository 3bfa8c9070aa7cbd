import { expect, it } from 'vitest';
import { adopt, aSignup, payFor } from '../../../tests/factories/billing.ts';
import { listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db } from '#lib/core/db.server.ts';
import './jobs.server.ts';
import { refreshSubscription } from './refresh.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { api } = stripe;

it('keeps every line of a long invoice, in the order that Stripe shows', async () => {
	const paid = await payFor(stripe, await aSignup());
	const { items } = await api.subscriptions.retrieve(paid.stripeSubscriptionId);
	for (let quantity = 2; quantity <= 8; quantity++)
		await api.subscriptions.update(paid.stripeSubscriptionId, {
			items: [{ id: items.data[0]!.id, quantity }],
			proration_behavior: quantity === 8 ? 'always_invoice' : 'create_prorations'
		});
	const { customer } = await adopt(paid);
	await refreshSubscription(paid.stripeSubscriptionId);

	const [long] = (await api.invoices.list({ subscription: paid.stripeSubscriptionId })).data;
	expect(long!.lines).toMatchObject({ has_more: true, data: { length: 10 } });
	const shown: string[] = [];
	for await (const { id } of api.invoices.listLineItems(long!.id)) shown.push(id);
	expect(shown.length).toBeGreaterThan(10);
	const mirrored = await db.invoice.findFirstOrThrow({
		where: { customerId: customer.id, stripeInvoiceId: long!.id },
		include: { lines: { orderBy: { position: 'asc' } } }
	});
	expect(mirrored.lines.map(({ stripeLineId }) => stripeLineId)).toEqual(shown);
	expect(mirrored.lines.map(({ position }) => position)).toEqual([...shown.keys()]);
});
