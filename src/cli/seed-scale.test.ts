import { expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { aTunnel } from '../../tests/factories/tunnels.ts';
import { testDatabase } from '../../tests/setup/database.ts';
import { seedScale } from './seed-scale.ts';

const { url } = await testDatabase();

it('writes a platform that adds up, and continues it', async () => {
	const { id: tunnelId } = await aTunnel(db);
	// Without one there are no instances.
	await db.baseDomain.create({
		data: { name: 'escala.example', zoneId: 'zone', tunnelId, isDefault: true }
	});
	const few = await seedScale(url, 60);
	const more = await seedScale(url, 150);
	expect(await seedScale(url, 150)).toEqual({});
	const rows = (table: string) => (few[table] ?? 0) + (more[table] ?? 0);
	expect(rows('customers')).toBe(150);
	expect(await db.customer.count()).toBe(150);
	expect(rows('subscriptions')).toBeGreaterThan(150);
	expect(rows('mrr_movements')).toBeGreaterThan(3_000);
	expect(rows('invoices')).toBeGreaterThan(500);
	const living = await db.tenant.count({ where: { status: { not: 'deleted' } } });
	expect(living).toBeGreaterThan(50);
	expect(rows('custom_domains')).toBe(living);

	const wrong = await db.$queryRaw`
		SELECT subscription.id FROM subscriptions subscription
		LEFT JOIN (SELECT subscription_id, sum(amount) AS worth FROM mrr_movements GROUP BY 1) moved ON moved.subscription_id = subscription.id
		WHERE subscription.mrr <> coalesce(moved.worth, 0)`;
	expect(wrong).toEqual([]);
	const [heads] = await db.$queryRaw<{ said: number; counted: number }[]>`
		SELECT (SELECT sum(customers) FROM mrr_movements)::int AS said,
			(SELECT count(DISTINCT customer_id) FROM subscriptions WHERE mrr > 0)::int AS counted`;
	expect(heads!.said).toBe(heads!.counted);
	const signs = await db.$queryRaw<{ kind: string }[]>`
		SELECT kind FROM mrr_movements WHERE CASE WHEN kind IN ('churn', 'contraction') THEN amount >= 0 OR customers > 0
			ELSE amount <= 0 OR customers < 0 END`;
	expect(signs).toEqual([]);
	// The first is new, and nothing is new twice.
	const news = await db.$queryRaw`
		SELECT customer_id FROM mrr_movements GROUP BY customer_id HAVING count(*) FILTER (WHERE kind = 'new') <> 1`;
	expect(news).toEqual([]);
	const lines = await db.$queryRaw`
		SELECT invoice.id FROM invoices invoice LEFT JOIN invoice_lines line ON line.invoice_id = invoice.id
		GROUP BY invoice.id HAVING sum(line.amount) IS DISTINCT FROM invoice.subtotal`;
	expect(lines).toEqual([]);
	expect(await db.customer.count({ where: { firstPaidAt: null, status: 'active' } })).toBe(0);
});
