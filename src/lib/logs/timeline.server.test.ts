import { beforeAll, describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { aSignup, aSubscription, anInvoice } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { audit, SYSTEM } from './audit.server.ts';
import { timeline } from './timeline.server.ts';
import { TIMELINE_KINDS, type TimelineEntry, type TimelineKind } from './timeline.ts';
import { customerScope, tenantScope, type TimelineScope } from './timelineScope.server.ts';

await testDatabase();

interface Scene {
	id: string;
	customerId: string;
	subscriptionId: string;
}

const minute = (of: number) => new Date(Date.UTC(2026, 5, 1, 10, of));

/** An instance to which one thing of every sort has happened, each in a minute of its own. */
async function scene(): Promise<Scene> {
	const { id, customerId } = await createUnplacedTenant(db);
	const { id: subscriptionId } = await aSubscription({ customerId });
	await db.tenant.update({ where: { id }, data: { subscriptionId } });
	const signup = await aSignup({ customerId, tenantId: id });
	const run = await db.provisioningJob.create({
		data: {
			...{ saga: 'tenants.create', subjectId: id, customerId, status: 'failed' },
			...{ createdAt: minute(1), finishedAt: minute(3) },
			steps: {
				create: [
					{ position: 0, name: 'place', status: 'done', finishedAt: minute(2) },
					{ position: 1, name: 'dns', status: 'failed', errorCode: 'INTERNAL', error: 'no zone' }
				]
			}
		}
	});
	await db.logEntry.create({
		data: {
			...{ source: 'provisioning', level: 'error', message: 'no zone' },
			...{ jobId: run.id, stepName: 'dns', at: minute(2) }
		}
	});
	const invoice = await anInvoice({
		...{ customerId, subscriptionId, number: 'F-1' },
		...{ issuedAt: minute(4), paidAt: minute(6) }
	});
	const attempt = { customerId, invoiceId: invoice.id, amount: 4_900, currency: 'usd' };
	await db.paymentAttempt.createMany({
		data: [
			{
				...{ ...attempt, stripePaymentIntentId: 'pi_1', status: 'requires_payment_method' },
				...{ message: 'Declined', at: minute(5) }
			},
			{ ...attempt, stripePaymentIntentId: 'pi_1', status: 'succeeded', at: minute(6) }
		]
	});
	await db.mrrMovement.create({
		data: {
			...{ customerId, subscriptionId, kind: 'new', amount: 4_900, currency: 'usd' },
			at: minute(7)
		}
	});
	await db.refund.create({
		data: {
			...{ customerId, signupId: signup.id, stripeRefundId: `re_${id}`, status: 'pending' },
			...{ amount: 4_900, currency: 'usd', createdAt: minute(8) }
		}
	});
	await db.alert.create({
		data: {
			...{ rule: 'provisioning.tenant-down', subjectType: 'tenant', subjectId: id },
			...{ severity: 'critical', openedAt: minute(9), closedAt: minute(10) }
		}
	});
	const acts = [
		{ action: 'tenants.suspend', type: 'tenant', of: id, after: { status: 'suspended' } },
		{ action: 'billing.subscription-status', type: 'subscription', of: subscriptionId, after: {} },
		{ action: 'signups.pay', type: 'signup', of: signup.id, after: { plan: 'basic' } }
	];
	for (const { action, type, of, after } of acts)
		await audit(db, { actor: SYSTEM, action, subject: { type, id: of }, customerId, after });
	return { id, customerId, subscriptionId };
}

async function whole(
	scope: TimelineScope,
	kinds: readonly TimelineKind[] = TIMELINE_KINDS,
	filters = {},
	pageSize = 50
): Promise<TimelineEntry[]> {
	const found: TimelineEntry[] = [];
	let cursor: string | null = null;
	do {
		const page = await timeline(db, scope, { kinds, filters, cursor, pageSize });
		expect(page.rows.length).toBeLessThanOrEqual(pageSize);
		found.push(...page.rows);
		cursor = page.meta.next;
	} while (cursor);
	return found;
}

let one: Scene;
let other: Scene;

beforeAll(async () => {
	one = await scene();
	other = await scene();
});

const HAPPENED = [
	'alert.closed',
	'alert.opened',
	'refund',
	'movement',
	'invoice.paid',
	'payment.failed',
	'invoice.issued',
	'run.ended',
	'step.failed',
	'run.started'
];

describe('a timeline', () => {
	it('merges everything that happened to an instance, newest first, and nothing of another', async () => {
		const found = await whole(tenantScope(one));
		expect(found.filter(({ what }) => what !== 'act').map(({ what }) => what)).toEqual(HAPPENED);
		const acts = found.flatMap((entry) => (entry.what === 'act' ? [entry] : []));
		expect(acts.map(({ data, kind }) => [data.action, kind]).sort()).toEqual([
			['billing.subscription-status', 'billing'],
			['signups.pay', 'audit'],
			['tenants.suspend', 'state']
		]);
		const moments = found.map(({ at }) => at.getTime());
		expect(moments).toEqual(moments.toSorted((a, b) => b - a));
		const theirs = new Set((await whole(tenantScope(other))).map(({ id }) => id));
		expect(found.some(({ id }) => theirs.has(id))).toBe(false);
	});

	it('carries what its words are made of', async () => {
		const found = await whole(tenantScope(one));
		const dataOf = (what: string) => found.find((entry) => entry.what === what)?.data;
		expect(dataOf('step.failed')).toMatchObject({ step: 'dns', error: 'no zone' });
		expect(dataOf('payment.failed')).toMatchObject({ number: 'F-1', message: 'Declined' });
		expect(dataOf('refund')).toMatchObject({ amount: 4_900, status: 'pending' });
		expect(dataOf('movement')).toMatchObject({ kind: 'new', amount: 4_900 });
	});

	it.each([1, 2, 3, 7])('is the same in pages of %i, each entry once', async (pageSize) => {
		const ids = (entries: TimelineEntry[]) => entries.map(({ id }) => id);
		const all = ids(await whole(tenantScope(one)));
		expect(all).toHaveLength(13);
		expect(ids(await whole(tenantScope(one), TIMELINE_KINDS, {}, pageSize))).toEqual(all);
	});

	it('keeps apart what happened in the same moment', async () => {
		const { id, customerId } = await createUnplacedTenant(db);
		await db.alert.createMany({
			data: Array.from({ length: 7 }, (_, index) => ({
				...{ rule: `tests.${index}`, subjectType: 'tenant', subjectId: id },
				...{ severity: 'info' as const, openedAt: minute(1), closedAt: minute(1) }
			}))
		});
		const scope = tenantScope({ id, customerId, subscriptionId: null });
		const found = await whole(scope, TIMELINE_KINDS, {}, 3);
		expect(new Set(found.map((entry) => entry.id)).size).toBe(14);
	});

	it.each([
		['runs', ['run.ended', 'step.failed', 'run.started']],
		['alerts', ['alert.closed', 'alert.opened']],
		['state', ['act']],
		['audit', ['act']]
	] as const)('shows %s alone', async (kind, whats) => {
		expect((await whole(tenantScope(one), [kind])).map(({ what }) => what)).toEqual(whats);
	});

	it('shows some days, and nothing to whom nothing is shown', async () => {
		const days = { from: '2026-06-01', to: '2026-06-01' };
		const found = await whole(tenantScope(one), TIMELINE_KINDS, days);
		expect(found.map(({ what }) => what)).toEqual(HAPPENED);
		expect(await whole(tenantScope(one), [])).toEqual([]);
	});

	it('of a company is that of all its instances', async () => {
		const found = (await whole(customerScope(one.customerId))).map(({ id }) => id);
		expect(found).toEqual((await whole(tenantScope(one))).map(({ id }) => id));
	});

	it('of a company has its mails, and nobody else’s', async () => {
		const { id: customerId } = await aCustomer();
		const mail = { template: 'refunded', locale: 'es', subject: 'Su reembolso', data: {} };
		await db.emailMessage.create({ data: { ...mail, customerId, toAddress: 'ana@example.com' } });
		const { id: other } = await aCustomer();
		await db.emailMessage.create({
			data: { ...mail, customerId: other, toAddress: 'otra@example.com' }
		});
		const found = await whole(customerScope(customerId), ['mails']);
		expect(found.map(({ data }) => data)).toEqual([
			{ template: 'refunded', subject: 'Su reembolso', to: 'ana@example.com', status: 'queued' }
		]);
	});

	it.each(['x', '["2026-01-01T00:00:00.000Z","1; DROP"]', '["2026-99-01T00:00:00.000Z","act:1"]'])(
		'refuses the cursor %j',
		async (text) => {
			const cursor = Buffer.from(text).toString('base64url');
			const asked = { kinds: TIMELINE_KINDS, filters: {}, cursor, pageSize: 5 };
			await expect(timeline(db, tenantScope(one), asked)).rejects.toMatchObject({
				code: 'BAD_INPUT'
			});
		}
	);
});
