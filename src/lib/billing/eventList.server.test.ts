import { describe, expect, it } from 'vitest';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { aStripeEvent } from '../../../tests/factories/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db } from '#lib/core/db.server.ts';
import { startQueue, stopQueue } from '#lib/core/queue.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import {
	eventPage,
	eventTypes,
	listEvents,
	processAgain,
	withoutSecrets
} from './eventList.server.ts';
import './jobs.server.ts';

await testDatabase();

const customer = await aCustomer({ stripeCustomerId: 'cus_events', companyName: 'Cacao Andino' });
const applied = await aStripeEvent({
	...{ eventType: 'invoice.paid', stripeCustomerId: 'cus_events', processed: true },
	outcome: 'applied'
});
const failed = await aStripeEvent({
	eventType: 'charge.refunded',
	error: 'Stripe is away',
	attempts: 8
});
const waiting = await aStripeEvent({ eventType: 'invoice.created' });

const ask = async (q: string, filters: { type?: string; state?: string } = {}) => {
	const query = { sort: { direction: 'desc' as const }, page: 1, pageSize: 25, cursor: null };
	const { rows } = await listEvents(db, { ...query, q, filters });
	return rows.map(({ id }) => id).toSorted();
};

describe("Stripe's events", () => {
	it('are found by id, type, customer, company and state', async () => {
		expect(await ask('')).toEqual([applied.id, failed.id, waiting.id].toSorted());
		expect(await ask(failed.eventId)).toEqual([failed.id]);
		expect(await ask('refunded')).toEqual([failed.id]);
		expect(await ask('cus_events')).toEqual([applied.id]);
		expect(await ask('cacao and')).toEqual([applied.id]);
		expect(await ask('nobody')).toEqual([]);
		expect(await ask('', { state: 'failed' })).toEqual([failed.id]);
		expect(await ask('', { state: 'waiting' })).toEqual([waiting.id]);
		expect(await ask('', { state: 'applied' })).toEqual([applied.id]);
		expect(await ask('', { type: 'invoice.created' })).toEqual([waiting.id]);
		expect(await eventTypes(db)).toEqual(['charge.refunded', 'invoice.created', 'invoice.paid']);
	});

	it('say whose they are, and nothing that opens something', async () => {
		const page = await eventPage(db, applied.id);
		expect(page.customer).toEqual({ id: customer.id, companyName: 'Cacao Andino' });
		const secrets = { client_secret: 'pi_secret', hosted_invoice_url: 'https://…', id: 'in_1' };
		expect(withoutSecrets({ data: [{ object: secrets }] })).toEqual({
			data: [{ object: { client_secret: '•••', hosted_invoice_url: '•••', id: 'in_1' } }]
		});
	});

	it('are processed again where they failed, not where they were applied', async () => {
		await startQueue({ work: false });
		try {
			await processAgain(failed.id, SYSTEM);
			const again = await db.stripeEvent.findUniqueOrThrow({ where: { id: failed.id } });
			expect(again).toMatchObject({ processed: false, error: null, attempts: 0 });
			const entry = { action: 'billing.event_again', subjectId: failed.id };
			expect(await db.auditEntry.count({ where: entry })).toBe(1);
			await expect(processAgain(applied.id, SYSTEM)).rejects.toThrow('EVENT_DONE');
		} finally {
			await stopQueue();
		}
	});
});
