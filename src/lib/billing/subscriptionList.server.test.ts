import { beforeAll, expect, it } from 'vitest';
import { aSubscription } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db } from '#lib/core/db.server.ts';
import { listMovements, listSubscriptions } from './subscriptionList.server.ts';

await testDatabase();

const ask = { q: '', filters: {}, page: 1, pageSize: 100, cursor: null };
const owner = { customer: true, plan: true, tenants: { orderBy: { createdAt: 'desc' } } } as const;

beforeAll(async () => {
	for (const [index, country] of ['EC', 'CL'].entries()) {
		const customer = await aCustomer({ country });
		const { id, customerId } = await aSubscription({
			customerId: customer.id,
			mrr: 4_900 - index,
			currentPeriodEnd: index === 0 ? new Date('2026-12-01T00:00:00Z') : null
		});
		const moved = { customerId, subscriptionId: id, currency: 'usd' };
		const at = (month: number) => new Date(Date.UTC(2026, month, 1 + index));
		await db.mrrMovement.createMany({
			data: [
				{ ...moved, ...{ kind: 'new', amount: 5_900, customers: 1, planKey: 'pro', at: at(0) } },
				{ ...moved, ...{ kind: 'contraction', amount: -1_000, at: at(1) } }
			]
		});
	}
	// The first customer has two tenants of its subscription, the second none.
	const [first] = await db.subscription.findMany({ orderBy: { mrr: 'desc' } });
	for (const [n, slug] of ['vieja', 'nueva'].entries()) {
		const { id } = await createUnplacedTenant(db, { slug });
		await db.tenant.update({
			where: { id },
			data: {
				...{ customerId: first!.customerId, subscriptionId: first!.id },
				createdAt: new Date(Date.UTC(2026, n, 1))
			}
		});
	}
});

it('shows of each subscription what is stored, and its latest tenant', async () => {
	const { rows } = await listSubscriptions(db, {
		...ask,
		sort: { key: 'mrr', direction: 'desc' }
	});
	const stored = await db.subscription.findMany({ orderBy: { mrr: 'desc' }, include: owner });
	expect(rows).toEqual(
		stored.map(({ customer, plan, tenants, ...row }) => ({
			...{ id: row.id, status: row.status, billingMode: row.billingMode },
			...{ currency: row.currency, mrr: row.mrr, createdAt: row.createdAt },
			...{ currentPeriodEnd: row.currentPeriodEnd, plan: plan.name },
			...{ companyName: customer.companyName, email: customer.email },
			slug: tenants[0]?.slug ?? null
		}))
	);
	expect(rows.map(({ slug }) => slug)).toEqual(['nueva', null]);
});

it('shows of each movement what is stored, and whose it is', async () => {
	const { rows } = await listMovements(db, { ...ask, sort: { key: 'at', direction: 'desc' } });
	const stored = await db.mrrMovement.findMany({
		orderBy: { at: 'desc' },
		include: { subscription: { include: owner } }
	});
	expect(rows).toHaveLength(4);
	expect(rows).toEqual(
		stored.map(({ subscription: { customer, plan, tenants }, ...row }) => ({
			...{ id: row.id, kind: row.kind, amount: row.amount, currency: row.currency },
			...{ planKey: row.planKey, customers: row.customers, at: row.at },
			...{ subscriptionId: row.subscriptionId, plan: plan.name, customerId: customer.id },
			...{ companyName: customer.companyName, email: customer.email, country: customer.country },
			slug: tenants[0]?.slug ?? null
		}))
	);
});
