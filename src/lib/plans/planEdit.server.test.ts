import { expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { aSubscription } from '../../../tests/factories/billing.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { m } from '#i18n/paraglide/messages.js';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { comparePlan, repairPlan } from './drift.server.ts';
import { differenceSentence } from './drift.ts';
import { planHistory } from './history.server.ts';
import './jobs.server.ts';
import {
	archivePlan,
	createPlan,
	editWords,
	findPlan,
	newVersion,
	restorePlan,
	reviewTerms
} from './planEdit.server.ts';
import { termsForm, type PlanWords } from './planForms.ts';
import { listPlans, PLAN_LIST } from './planList.server.ts';
import { ensureStripePrice, lookupKey, planOnSale, plansOnSale } from './plans.server.ts';
import { firstTerms, termChanges, termsOf } from './terms.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';

await testDatabase();
const stripe = await testStripe();
await testQueue({ work: false });
const by = SYSTEM;

const words = (more: Partial<PlanWords> = {}): PlanWords => ({
	...{ revision: 1, name: 'Plan', position: 5, trial_days: 0, support_channel: 'chat' },
	...{ published: true, purchasable: true, highlighted: false },
	...more
});
const save = (id: string, more: Partial<PlanWords>) =>
	transaction((tx) => editWords(tx, id, words(more), { by }));

it('edits words in place and tells the second of two editors', async () => {
	const { id } = await aPlan();
	const both = await Promise.allSettled([save(id, { name: 'Uno' }), save(id, { name: 'Dos' })]);
	expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
	expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
		reason: { code: 'CHANGED_MEANWHILE' }
	});
	expect(await findPlan(db, id)).toMatchObject({ version: 1, revision: 2 });
	await expect(transaction((tx) => archivePlan(tx, id, { by, seen: 1 }))).rejects.toMatchObject({
		code: 'CHANGED_MEANWHILE'
	});
});

it('makes a new version of what people pay for, and leaves who pays the old one alone', async () => {
	const plan = await aPlan({ amount: 4_900 });
	await ensureStripePrice(plan.prices[0]!.id);
	const subscription = await aSubscription({ planId: plan.id });
	await aSubscription({ planId: plan.id, status: 'cancelled' });
	const before = termsOf(await findPlan(db, plan.id));
	const terms = {
		...before,
		diskGb: 20,
		prices: [
			{ interval: 'month' as const, currency: 'usd' as const, amount: 5_900 },
			{ interval: 'year' as const, currency: 'clp' as const, amount: 490_000 }
		],
		limits: [{ resource: 'users' as const, amount: 5, graceDays: 7, act: 'read_only' as const }]
	};
	const review = await reviewTerms(db, plan.id, terms);
	expect(review).toMatchObject({ version: 2, payers: [{ version: 1, customers: 1 }] });
	expect(review.changes.map(({ what }) => what)).toEqual(['diskGb', 'price', 'price', 'limit']);
	const both = await Promise.allSettled(
		[1, 2].map(() => transaction((tx) => newVersion(tx, plan.id, terms, { by, seen: 1 })))
	);
	expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
	const next = await planOnSale(db, plan.key);
	expect(next).toMatchObject({ version: 2, diskGb: 20, name: plan.name });
	const old = await findPlan(db, plan.id);
	expect(old).toMatchObject({ published: false, diskGb: 10 });
	expect(old.replacedAt).not.toBeNull();
	expect((await plansOnSale(db)).filter(({ key }) => key === plan.key)).toHaveLength(1);
	expect((await db.subscription.findUniqueOrThrow({ where: { id: subscription.id } })).planId).toBe(
		plan.id
	);
	expect(await repairPlan(next.id)).toEqual([]);
	const atStripe = await stripe.api.prices.retrieve(old.prices[0]!.stripePriceId!);
	expect(atStripe).toMatchObject({ active: true, unit_amount: 4_900 });
	expect(await comparePlan(old.id)).toEqual([]);
	const newPrices = await db.planPrice.findMany({ where: { planId: next.id } });
	const yearly = newPrices.find(({ currency }) => currency === 'clp')!;
	expect(await stripe.api.prices.retrieve(yearly.stripePriceId!)).toMatchObject({
		...{ unit_amount: 490_000, currency: 'clp' },
		recurring: { interval: 'year' }
	});
	const { rows } = await listPlans(
		db,
		parseListQuery(new URL(`http://x/?q=${plan.key}`), PLAN_LIST)
	);
	expect(rows).toHaveLength(1);
	expect(rows[0]).toMatchObject({
		...{ version: 2, customers: 1 },
		paid: [{ version: 1, customers: 1 }]
	});
	const [made] = await planHistory(db, plan.key, 'es');
	expect(made).toMatchObject({ action: 'plans.new-version', about: 'v2' });
	// In words, each with what it was: a disk of 10 GB has become one of 20.
	expect(made!.before).toMatchObject({ [m.plans_disk()]: '10 GB', [m.plans_version()]: '1' });
	expect(made!.after).toMatchObject({ [m.plans_disk()]: '20 GB', [m.plans_version()]: '2' });
	expect(Object.keys(made!.after)).toHaveLength(5);
	await expect(save(plan.id, { revision: 2 })).rejects.toMatchObject({ code: 'WRONG_STATE' });
});

it('refuses a version that changes nothing, and a key that was ever used', async () => {
	const plan = await aPlan();
	const same = termsOf(await findPlan(db, plan.id));
	await expect(
		transaction((tx) => newVersion(tx, plan.id, same, { by, seen: 1 }))
	).rejects.toMatchObject({ code: 'BAD_INPUT' });
	const terms = firstTerms('shared', { interval: 'month', currency: 'pyg', amount: 200_000 });
	const make = (key: string) =>
		transaction((tx) => createPlan(tx, { key, name: 'Nuevo', terms }, { by }));
	await expect(make(plan.key)).rejects.toMatchObject({ fields: { key: expect.any(String) } });
	const made = await make('nuevo');
	expect(made).toMatchObject({ published: false, purchasable: false, version: 1 });
	await expect(planOnSale(db, 'nuevo')).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' });
});

it('archives and restores; an old version is not restored beside a newer one', async () => {
	const plan = await aPlan();
	await transaction((tx) => archivePlan(tx, plan.id, { by, seen: 1 }));
	await expect(planOnSale(db, plan.key)).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' });
	await transaction((tx) => restorePlan(tx, plan.id, { by, seen: 2 }));
	expect(await findPlan(db, plan.id)).toMatchObject({ published: false, replacedAt: null });
	const terms = { ...termsOf(await findPlan(db, plan.id)), cpuCores: 9 };
	await transaction((tx) => newVersion(tx, plan.id, terms, { by, seen: 3 }));
	await expect(
		transaction((tx) => restorePlan(tx, plan.id, { by, seen: 4 }))
	).rejects.toMatchObject({ code: 'WRONG_STATE' });
});

it('finds each thing that Stripe says otherwise, says it in words, and repairs it', async () => {
	const plan = await aPlan({ amount: 3_000 });
	await repairPlan(plan.id);
	expect(await comparePlan(plan.id)).toEqual([]);
	const { stripePriceId } = await db.planPrice.findFirstOrThrow({ where: { planId: plan.id } });
	const { stripeProductId } = await findPlan(db, plan.id);
	await stripe.api.products.update(stripeProductId!, { name: 'Otro', active: false });
	await stripe.api.prices.update(stripePriceId!, { active: false, lookup_key: 'ajena' });
	stripe.forget();
	const found = await comparePlan(plan.id);
	expect(stripe.calls().every((line) => line.startsWith('GET'))).toBe(true);
	expect(found.map(({ what }) => what).toSorted()).toEqual([
		...['price_archived', 'price_lookup_key', 'product_archived', 'product_name']
	]);
	expect(found.map((one) => differenceSentence(one, 'es')).join(' ')).toContain('«Otro»');
	expect(await repairPlan(plan.id)).toEqual([]);
	expect(await stripe.api.prices.retrieve(stripePriceId!)).toMatchObject({
		...{ active: true, lookup_key: lookupKey(plan, plan.prices[0]!) }
	});
	expect((await stripe.api.products.retrieve(stripeProductId!)).name).toBe(plan.name);

	// Another amount is another price: the one that is paid already stays what it is.
	const other = await stripe.api.prices.create({
		...{ product: stripeProductId!, currency: 'usd', unit_amount: 1 },
		recurring: { interval: 'month' }
	});
	await db.planPrice.updateMany({ where: { planId: plan.id }, data: { stripePriceId: other.id } });
	const wrong = await comparePlan(plan.id);
	expect(wrong.map(({ what }) => what)).toEqual(['price_amount', 'price_lookup_key']);
	expect(differenceSentence(wrong[0]!, 'es')).toMatch(/30,00.*0,01/);
	expect(await repairPlan(plan.id)).toEqual([]);
	expect((await stripe.api.prices.retrieve(other.id)).unit_amount).toBe(1);

	stripe.fault({ match: 'GET /v1/products', kind: 'status', status: 500, times: 9 });
	await expect(comparePlan(plan.id)).rejects.toMatchObject({ vendor: 'stripe' });
	expect((await findPlan(db, plan.id)).stripeError).toBeTruthy();
});

it('reads prices and limits of any currency from a form, and says what is wrong beside its field', () => {
	const given = {
		...{ revision: '3', isolation: 'shared', cpu_cores: '2', ram_gb: '4', disk_gb: '50' },
		...{ backup_interval_hours: '24', sla: '99,5', 'price.month.usd': '49,50' }
	};
	const parsed = termsForm.parse({
		...given,
		...{ 'price.year.clp': '490.000', 'limit.users': '5', 'limit.users.act': 'suspend' },
		'limit.members': ''
	});
	expect(parsed.terms).toMatchObject({
		...{ ramMb: 4096, slaBasisPoints: 9_950 },
		prices: [
			{ interval: 'month', currency: 'usd', amount: 4_950 },
			{ interval: 'year', currency: 'clp', amount: 490_000 }
		],
		limits: [{ resource: 'users', amount: 5, graceDays: 14, act: 'suspend' }]
	});
	const wrong = (more: Record<string, string>) => {
		const result = termsForm.safeParse({ ...given, ...more });
		return result.success ? [] : result.error.issues.map(({ path }) => path.join('.'));
	};
	expect(wrong({ 'price.month.usd': '' })).toEqual(['prices']);
	expect(wrong({ 'price.month.pyg': '10,5' })).toEqual(['price.month.pyg']);
	expect(wrong({ 'limit.members': '3', 'limit.members.act': 'suspend' })).toEqual([
		'limit.members.act'
	]);
	expect(wrong({ 'limit.users': 'x' })).toEqual(['limit.users']);
	expect(wrong({ cpu_cores: '0', sla: '101' }).toSorted()).toEqual(['cpu_cores', 'sla']);
	expect(termChanges(parsed.terms, parsed.terms)).toEqual([]);
});
