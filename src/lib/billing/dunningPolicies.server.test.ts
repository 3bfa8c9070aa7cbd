import { describe, expect, it } from 'vitest';
import { anInvoice, aSubscription } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { aDunningCase, aPayToken } from '../../../tests/factories/dunning.ts';
import { listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { after, DAY, now, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { seedReference } from '../../../prisma/reference.ts';
import '#lib/notifications/jobs.server.ts';
import { tellExpiring } from './dunningExpiry.server.ts';
import { listDunning } from './dunningList.server.ts';
import { payLink, subscriptionOfPayLink } from './dunningPayLink.server.ts';
import { fieldsOf, policyForm, stagesOf, type PolicyInput } from './dunningPolicyForm.ts';
import { makeDefault, policiesInForce, savePolicy } from './dunningPolicies.server.ts';
import { failuresAfter, pastFailures, play, totalsOf } from './dunningSimulator.server.ts';
import { dunningViews } from './dunningViews.server.ts';
import './jobs.server.ts';

await testDatabase();
listenToBilling();
await testQueue({ work: false });
const by = { kind: 'staff' as const, id: null, label: 'ana@erp.example' };

const typed = (given: Partial<Record<string, string>> = {}) => ({
	...{ name: 'Estándar', mails: '0, 3, 7, 12', retries: '1 3 5 7' },
	...{ read_only: '10', suspend: '15', delete: '36' },
	...given
});
const parsed = (given: Partial<Record<string, string>> = {}): PolicyInput =>
	policyForm.parse(typed(given));
const inForce = async () => (await policiesInForce(db))[0]!;

describe('the policy that is typed', () => {
	it('is what every installation starts with, and stays as staff have made it', async () => {
		const standard = await inForce();
		expect(standard).toMatchObject({ key: 'standard', version: 1, isDefault: true });
		expect(fieldsOf(standard.stages)).toEqual(fieldsOf(stagesOf(parsed())));
		expect(standard.stages.filter(({ act }) => act === 'mail').map(({ tone }) => tone)).toEqual([
			...['friendly', 'reminder', 'warning', 'last']
		]);
		await seedReference(db);
		expect(await db.dunningPolicy.count()).toBe(1);
	});

	it.each([
		[{ name: ' ' }, 'name'],
		[{ mails: '' }, 'mails'],
		[{ mails: '0, tres' }, 'mails'],
		[{ mails: '3, 3' }, 'mails'],
		[{ mails: '0, 400' }, 'mails'],
		[{ mails: '12' }, 'mails'],
		[{ retries: '-1' }, 'retries'],
		[{ read_only: '0' }, 'read_only'],
		[{ suspend: '10' }, 'suspend'],
		[{ delete: '15' }, 'delete'],
		[{ read_only: '', suspend: '' }, 'delete']
	])('is refused beside its field: %j', (given, field) => {
		const answer = policyForm.safeParse(typed(given));
		expect(answer.error?.issues.map(({ path }) => path[0])).toContain(field);
	});
});

describe('a new version', () => {
	it('is for new cases; those that are open keep theirs', async () => {
		const open = await aDunningCase();
		const before = await inForce();
		const policy = parsed({ suspend: '20', delete: '50' });
		await transaction((tx) =>
			savePolicy(tx, { key: before.key, seen: before.version, policy, moveOpen: false, by })
		);
		expect(await inForce()).toMatchObject({ version: before.version + 1, isDefault: true });
		const { policyId } = await db.dunningCase.findUniqueOrThrow({ where: { id: open.id } });
		expect(policyId).toBe(before.id);
		await expect(
			transaction((tx) =>
				savePolicy(tx, { key: before.key, seen: before.version, policy, moveOpen: false, by })
			)
		).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
	});

	it('takes open cases along when asked: what was done counts as done', async () => {
		const before = await inForce();
		const open = await aDunningCase({ days: 4 });
		const [first, second] = before.stages.filter(({ act }) => act === 'mail');
		for (const stage of [first!, second!])
			await db.dunningAct.create({
				data: {
					...{ customerId: open.customerId, caseId: open.id, stageId: stage.id, act: 'mail' },
					...{
						dueAt: open.startedAt,
						doneAt: after(open.startedAt, stage.day * DAY),
						outcome: 'done'
					}
				}
			});
		const { moved } = await transaction((tx) =>
			savePolicy(tx, {
				...{ key: before.key, seen: before.version, moveOpen: true, by },
				policy: parsed({ mails: '0, 2, 6, 11' })
			})
		);
		expect(moved).toBeGreaterThan(0);
		const [view] = await dunningViews(db, { customerId: open.customerId });
		const mails = view!.timeline.filter(({ act }) => act === 'mail');
		expect(mails.map(({ day, state }) => [day, state])).toEqual([
			...[
				[0, 'done'],
				[2, 'done'],
				[6, 'planned'],
				[11, 'planned']
			]
		]);
	});

	it('of another key is nobody’s until it is made the default', async () => {
		const { id } = await transaction((tx) =>
			savePolicy(tx, {
				key: 'suave',
				seen: null,
				policy: parsed({ name: 'Suave' }),
				moveOpen: false,
				by
			})
		);
		expect(await inForce()).toMatchObject({ key: 'standard' });
		await transaction((tx) => makeDefault(tx, id, by));
		expect(await inForce()).toMatchObject({ key: 'suave', isDefault: true });
		expect(await db.dunningPolicy.count({ where: { isDefault: true } })).toBe(1);
	});
});

it('lists what is searched for and filtered, in its order, page by page', async () => {
	const customer = await aCustomer({ companyName: 'Zeta Zafiro' });
	const made = [
		await aDunningCase({ customerId: customer.id, owed: 1 }),
		await aDunningCase({ customerId: customer.id, owed: 3 })
	];
	const query = {
		q: 'zafiro',
		page: 1,
		pageSize: 1,
		cursor: null,
		filters: {},
		sort: { key: 'owed', direction: 'desc' as const }
	};
	const first = await listDunning(db, query);
	expect(first.rows.map(({ id }) => id)).toEqual([made[1]!.id]);
	expect(first.meta.total).toBe(2);
	const second = await listDunning(db, { ...query, cursor: first.meta.next });
	expect(second.rows.map(({ id }) => id)).toEqual([made[0]!.id]);
	expect((await listDunning(db, { ...query, filters: { state: 'paid' } })).rows).toEqual([]);
	expect((await listDunning(db, { ...query, filters: { next: 'suspend' } })).rows).toEqual([]);
});

it('plays a policy over what failed last year', async () => {
	await db.invoice.deleteMany({});
	const { id: subscriptionId, customerId } = await aSubscription();
	const failed = async (daysAgo: number, paidAfter: number | null) => {
		const at = after(now(), -daysAgo * DAY);
		const invoice = await anInvoice({
			...{ subscriptionId, customerId, createdAt: at, issuedAt: at },
			...{ attemptCount: 3, billingReason: 'subscription_cycle' },
			...(paidAfter === null
				? { status: 'open', amountPaid: 0, amountRemaining: 4_900 }
				: { paidAt: after(at, paidAfter * DAY) })
		});
		await db.paymentAttempt.create({
			data: {
				...{ customerId, invoiceId: invoice.id, stripePaymentIntentId: `pi_${invoice.id}` },
				...{ status: 'failed', amount: 4_900, currency: 'usd', at }
			}
		});
	};
	await failed(300, 2);
	await failed(200, 18);
	await failed(100, 60);
	await failed(50, null);
	await failed(400, 2);
	const { failures, more } = await pastFailures(db);
	expect(more).toBe(false);
	expect(failures).toHaveLength(4);
	const standard = totalsOf(await play(stagesOf(parsed()), failures));
	expect(standard).toMatchObject({
		...{ cases: 4, suspended: 3, deleted: 2, lost: 1 },
		...{ recovered: { usd: 4_900 }, forgone: { usd: 4_900 } }
	});
	const gentle = totalsOf(await play(stagesOf(parsed({ suspend: '30', delete: '90' })), failures));
	expect(gentle).toMatchObject({
		suspended: 2,
		deleted: 0,
		recovered: { usd: 9_800 },
		forgone: {}
	});
	expect(standard.mails).toBe(1 + 4 + 4 + 4);
	// A file takes them in batches: each once.
	const first = await failuresAfter(db, null, 3);
	const rest = await failuresAfter(db, first.next, 3);
	expect([first.failures.length, rest.failures.length, rest.next]).toEqual([3, 1, null]);
	const ids = [...first.failures, ...rest.failures].map(({ id }) => id);
	expect(ids.sort()).toEqual(failures.map(({ id }) => id).sort());
});

describe('a link to pay', () => {
	it('leads to its subscription alone, and only for its time', async () => {
		const { id } = await aSubscription();
		const token = new URL(payLink(id, 'page')).pathname.split('/').at(-1)!;
		expect(subscriptionOfPayLink(token)).toBe(id);
		const other = await aPayToken();
		expect(subscriptionOfPayLink(other)).not.toBe(id);
		expect(subscriptionOfPayLink(`${token.slice(0, -2)}xx`)).toBeNull();
		expect(subscriptionOfPayLink('')).toBeNull();
		setClockOffset(2 * DAY);
		expect(subscriptionOfPayLink(token)).toBeNull();
		setClockOffset(0);
	});
});

it('tells once of a card that will have expired by the next charge', async () => {
	const at = now();
	const next = after(at, 20 * DAY);
	const { customerId } = await aSubscription({ billingMode: 'stripe', currentPeriodEnd: next });
	const card = (expires: Date, isDefault = true) =>
		db.paymentMethod.create({
			data: {
				...{ customerId, type: 'card', brand: 'visa', last4: '4242', isDefault },
				stripePaymentMethodId: `pm_${Math.random()}`,
				expYear: expires.getUTCFullYear(),
				expMonth: expires.getUTCMonth() + 1
			}
		});
	await card(after(next, 40 * DAY));
	expect(await tellExpiring()).toBe(0);
	await card(after(at, -40 * DAY), false);
	expect(await tellExpiring()).toBe(0);
	await card(after(at, -40 * DAY));
	expect(await tellExpiring()).toBe(1);
	expect(await tellExpiring()).toBe(0);
	const mails = await db.emailMessage.findMany({ where: { customerId, template: 'card_expires' } });
	expect(mails).toHaveLength(1);
	expect(mails[0]!.subject).toContain('4242');
});
