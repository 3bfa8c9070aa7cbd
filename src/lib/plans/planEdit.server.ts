import { now } from '#lib/core/clock.server.ts';
import { isUniqueViolation, lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Plan } from '#prisma/generated/client.ts';
import type { PlanTerms, PlanWords } from './planForms.ts';
import { ordered, termChanges, termsOf, type TermChange, type WholePlan } from './terms.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'plans.check-stripe': { planId: string };
		'plans.repair-stripe': { planId: string };
	}
}

interface Act {
	by: Actor;
}

/** @throws {AppError} PLAN_NOT_FOUND */
export async function findPlan(tx: Tx, id: string): Promise<WholePlan> {
	const plan = await tx.plan.findUnique({ where: { id }, include: { prices: true, limits: true } });
	if (!plan) throw new AppError('PLAN_NOT_FOUND', { params: { key: id } });
	return plan;
}

/**
 * A plan under a key of its own, hidden until somebody publishes it.
 * @throws {AppError} BAD_INPUT when the key was ever used
 */
export async function createPlan(
	tx: Tx,
	input: { key: string; name: string; terms: PlanTerms },
	act: Act
): Promise<Plan> {
	await lock(tx, `plans.key:${input.key}`);
	if (await tx.plan.count({ where: { key: input.key } }))
		throw new AppError('BAD_INPUT', { fields: { key: m.plans_key_taken({ key: input.key }) } });
	const last = await tx.plan.aggregate({ _max: { position: true } });
	const plan = await tx.plan.create({
		data: {
			...{ key: input.key, name: input.name, supportChannel: 'email' },
			...{ published: false, purchasable: false, position: (last._max.position ?? 0) + 1 },
			...columnsOf(input.terms)
		}
	});
	await audit(tx, {
		actor: act.by,
		action: 'plans.create',
		subject: { type: 'plan', id: plan.id },
		after: { key: plan.key, name: plan.name, ...input.terms }
	});
	await publish(tx, 'staff:plans', plan.id);
	return plan;
}

function columnsOf({ prices, limits, ...plain }: PlanTerms) {
	return { ...plain, prices: { create: prices }, limits: { create: limits } };
}

/**
 * Changes what is only words and visibility, for everybody who has this version.
 * @param words with the revision that the editor saw
 * @throws {AppError} CHANGED_MEANWHILE for the second of two editors, WRONG_STATE for an old version
 */
export async function editWords(tx: Tx, id: string, words: PlanWords, act: Act): Promise<Plan> {
	const before = await findPlan(tx, id);
	if (before.replacedAt && (words.published || words.purchasable || words.highlighted))
		throw new AppError('WRONG_STATE', { params: { from: 'replaced', to: 'published' } });
	const data = {
		name: words.name,
		position: words.position,
		trialDays: words.trial_days,
		supportChannel: words.support_channel,
		published: words.published,
		purchasable: words.purchasable,
		highlighted: words.highlighted,
		baseDomainId: words.base_domain === undefined ? before.baseDomainId : words.base_domain || null
	};
	await refuseUnknownBase(tx, data.baseDomainId);
	const { count } = await tx.plan.updateMany({
		where: { id, revision: words.revision },
		data: { ...data, revision: { increment: 1 } }
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	const after = await findPlan(tx, id);
	await audit(tx, {
		actor: act.by,
		action: 'plans.edit',
		subject: { type: 'plan', id },
		before: await shownWords(tx, before),
		after: await shownWords(tx, after)
	});
	// Its name is that of the product, and who may buy it must be able to pay.
	if (after.name !== before.name || (after.purchasable && !before.purchasable))
		await enqueue(tx, 'plans.repair-stripe', { planId: id }, { key: id });
	await publish(tx, 'staff:plans', id);
	return after;
}

function pick(plan: Plan) {
	const { name, position, trialDays, supportChannel, published, purchasable, highlighted } = plan;
	const words = { name, position, trialDays, supportChannel, published, purchasable, highlighted };
	return { ...words, baseDomainId: plan.baseDomainId };
}

/** As the history tells it: the domain by its name, which may be gone one day. */
async function shownWords(tx: Tx, plan: Plan) {
	const { baseDomainId, ...words } = pick(plan);
	if (!baseDomainId) return { ...words, baseDomain: null };
	const base = await tx.baseDomain.findUnique({
		where: { id: baseDomainId },
		select: { name: true }
	});
	return { ...words, baseDomain: base?.name ?? null };
}

async function refuseUnknownBase(tx: Tx, id: string | null): Promise<void> {
	if (id && (await tx.baseDomain.count({ where: { id } })) === 0)
		throw new AppError('BAD_INPUT', { fields: { base_domain: m.plans_base_domain_unknown() } });
}

/** What saving these terms would do, before it is done. */
export interface Review {
	changes: TermChange[];
	/** Version that they would be. */
	version: number;
	/** Who pays a version of this plan now, and keeps it. */
	payers: { version: number; customers: number }[];
	/** Sent along with the order: other terms are reviewed again. */
	reviewed: string;
}

export async function reviewTerms(tx: Tx, id: string, terms: PlanTerms): Promise<Review> {
	const plan = await findPlan(tx, id);
	const last = await tx.plan.aggregate({ where: { key: plan.key }, _max: { version: true } });
	const payers = await tx.$queryRaw<{ version: number; customers: number }[]>`
		SELECT plan.version, count(DISTINCT subscription.customer_id)::int AS customers
		FROM plans plan JOIN subscriptions subscription ON subscription.plan_id = plan.id
		WHERE plan.key = ${plan.key} AND subscription.status IN ('active', 'past_due', 'suspended')
		GROUP BY plan.version ORDER BY plan.version`;
	return {
		changes: termChanges(termsOf(plan), ordered(terms)),
		version: (last._max.version ?? plan.version) + 1,
		payers,
		reviewed: JSON.stringify(ordered(terms))
	};
}

/**
 * Sells other terms under the same key from now on: a new version. Who pays an old one keeps it, its prices stay at
 * Stripe, and it is shown to nobody any more.
 * @param seen revision that the editor saw
 * @throws {AppError} CHANGED_MEANWHILE for the second of two editors and for a version that is not the one sold,
 * BAD_INPUT when nothing changes
 */
export async function newVersion(
	tx: Tx,
	id: string,
	terms: PlanTerms,
	act: Act & { seen: number }
): Promise<Plan> {
	const plan = await findPlan(tx, id);
	await lock(tx, `plans.key:${plan.key}`);
	const changes = termChanges(termsOf(plan), ordered(terms));
	if (changes.length === 0)
		throw new AppError('BAD_INPUT', { fields: { terms: m.plans_nothing_changes() } });
	const { count } = await tx.plan.updateMany({
		where: { id, revision: act.seen, replacedAt: null },
		data: { replacedAt: now(), published: false, revision: { increment: 1 } }
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	const last = await tx.plan.aggregate({ where: { key: plan.key }, _max: { version: true } });
	const next = await tx.plan
		.create({
			data: {
				...{ key: plan.key, version: (last._max.version ?? plan.version) + 1, ...pick(plan) },
				...columnsOf(ordered(terms))
			}
		})
		.catch((error: unknown) => {
			throw isUniqueViolation(error) ? new AppError('CHANGED_MEANWHILE') : error;
		});
	await audit(tx, {
		actor: act.by,
		action: 'plans.new-version',
		subject: { type: 'plan', id: next.id },
		before: { version: plan.version, ...termsOf(plan) },
		after: { version: next.version, ...ordered(terms) }
	});
	if (next.purchasable)
		await enqueue(tx, 'plans.repair-stripe', { planId: next.id }, { key: next.id });
	await publish(tx, 'staff:plans', next.id);
	return next;
}

/** Sells it no more; who pays it keeps it. @throws {AppError} CHANGED_MEANWHILE */
export async function archivePlan(tx: Tx, id: string, act: Act & { seen: number }): Promise<Plan> {
	const plan = await findPlan(tx, id);
	const { count } = await tx.plan.updateMany({
		where: { id, revision: act.seen, replacedAt: null },
		data: { replacedAt: now(), published: false, revision: { increment: 1 } }
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	await audit(tx, {
		actor: act.by,
		action: 'plans.archive',
		subject: { type: 'plan', id },
		before: { key: plan.key, version: plan.version, published: plan.published }
	});
	await publish(tx, 'staff:plans', id);
	return findPlan(tx, id);
}

/** Takes an archived plan's last version back, hidden. @throws {AppError} CHANGED_MEANWHILE, WRONG_STATE */
export async function restorePlan(tx: Tx, id: string, act: Act & { seen: number }): Promise<Plan> {
	const plan = await findPlan(tx, id);
	await lock(tx, `plans.key:${plan.key}`);
	const later = await tx.plan.count({
		where: { key: plan.key, version: { gt: plan.version } }
	});
	if (later > 0) throw new AppError('WRONG_STATE', { params: { from: 'replaced', to: 'on sale' } });
	const { count } = await tx.plan.updateMany({
		where: { id, revision: act.seen, replacedAt: { not: null } },
		data: { replacedAt: null, revision: { increment: 1 } }
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	await audit(tx, {
		actor: act.by,
		action: 'plans.restore',
		subject: { type: 'plan', id },
		after: { key: plan.key, version: plan.version }
	});
	await publish(tx, 'staff:plans', id);
	return findPlan(tx, id);
}

/** Asks for a look at Stripe, or for a repair of what differs there. */
export async function askStripe(
	tx: Tx,
	id: string,
	what: 'check' | 'repair',
	act: Act
): Promise<void> {
	const plan = await findPlan(tx, id);
	if (what === 'repair')
		await audit(tx, {
			actor: act.by,
			action: 'plans.repair-stripe',
			subject: { type: 'plan', id },
			before: { key: plan.key, differences: plan.stripeDifferences }
		});
	await enqueue(tx, `plans.${what}-stripe`, { planId: id }, { key: id });
}
