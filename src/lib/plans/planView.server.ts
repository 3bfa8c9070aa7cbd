import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { LimitAct, PriceInterval } from '#prisma/generated/enums.ts';
import { CURRENCY_CODES } from './currencies.ts';
import { RESOURCE_NAMES, RESOURCES, type Limit } from './limits.ts';
import { ISOLATIONS, SUPPORT_CHANNELS, type PlanTerms } from './planForms.ts';
import { planState, versionsOf, type PlanVersion } from './planList.server.ts';
import type { WholePlan } from './terms.ts';

const price = z.object({
	interval: z.enum(PriceInterval),
	currency: z.string(),
	amount: z.int(),
	stripe_price_id: z.string().nullable()
});
const limit = z.object({
	resource: z.string(),
	amount: z.int(),
	grace_days: z.int(),
	act: z.enum(LimitAct)
});

/** A version of a plan as the API shows it; amounts in minor units. */
export const planSchema = z.object({
	id: z.uuid(),
	key: z.string(),
	version: z.int(),
	name: z.string(),
	state: z.enum(['published', 'hidden', 'archived']),
	purchasable: z.boolean(),
	highlighted: z.boolean(),
	position: z.int(),
	/** Before the first charge of a new subscription. */
	trial_days: z.int(),
	isolation: z.enum(ISOLATIONS),
	cpu_cores: z.int(),
	ram_mb: z.int(),
	disk_gb: z.int(),
	backup_interval_hours: z.int(),
	support_channel: z.string(),
	sla_basis_points: z.int(),
	/** Where its new instances get their name; null: under the default base domain. */
	base_domain_id: z.uuid().nullable(),
	prices: z.array(price),
	limits: z.array(limit),
	customers: z.int(),
	mrr: z.array(z.object({ currency: z.string(), amount: z.int() })),
	stripe: z.object({
		state: z.enum(['in_sync', 'drift', 'absent', 'unseen', 'failed', 'unneeded']),
		product_id: z.string().nullable(),
		checked_at: z.date().nullable()
	}),
	revision: z.int(),
	created_at: z.date(),
	replaced_at: z.date().nullable()
});
export type PlanView = z.input<typeof planSchema>;

export function planView(plan: PlanVersion): PlanView {
	return {
		id: plan.id,
		key: plan.key,
		version: plan.version,
		name: plan.name,
		state: planState(plan),
		purchasable: plan.purchasable,
		highlighted: plan.highlighted,
		position: plan.position,
		trial_days: plan.trialDays,
		isolation: plan.isolation,
		cpu_cores: plan.cpuCores,
		ram_mb: plan.ramMb,
		disk_gb: plan.diskGb,
		backup_interval_hours: plan.backupIntervalHours,
		support_channel: plan.supportChannel,
		sla_basis_points: plan.slaBasisPoints,
		base_domain_id: plan.baseDomainId,
		prices: plan.prices.map(({ interval, currency, amount, stripePriceId }) => ({
			...{ interval, currency, amount, stripe_price_id: stripePriceId }
		})),
		limits: plan.limits.map(({ resource, amount, graceDays, act }) => ({
			...{ resource, amount, grace_days: graceDays, act }
		})),
		customers: plan.customers,
		mrr: plan.mrr,
		stripe: {
			state: plan.mirror,
			product_id: plan.stripeProductId,
			checked_at: plan.stripeCheckedAt
		},
		revision: plan.revision,
		created_at: plan.createdAt,
		replaced_at: plan.replacedAt
	};
}

/** @throws {AppError} PLAN_NOT_FOUND */
export async function onePlan(tx: Tx, id: string): Promise<PlanView> {
	const row = await tx.plan.findUnique({ where: { id }, select: { key: true } });
	const version = row && (await versionsOf(tx, [row.key])).find((one) => one.id === id);
	if (!version) throw new AppError('PLAN_NOT_FOUND', { params: { key: id } });
	return planView(version);
}

const limitBody = z
	.object({
		resource: z.enum(RESOURCE_NAMES),
		amount: z.int().min(0).max(1_000_000),
		grace_days: z.int().min(0).max(90).default(14),
		act: z.enum(LimitAct).default('tell')
	})
	.refine(({ resource, act }) => (RESOURCES[resource].acts as readonly LimitAct[]).includes(act), {
		path: ['act']
	})
	.transform(({ grace_days, ...rest }): Limit => ({ ...rest, graceDays: grace_days }));

const termsBody = z.object({
	isolation: z.enum(ISOLATIONS),
	cpu_cores: z.int().min(1).max(128),
	/** Whole gigabytes. */
	ram_mb: z.int().multipleOf(1024).min(1024).max(1_048_576),
	disk_gb: z.int().min(1).max(16_384),
	backup_interval_hours: z.int().min(1).max(720),
	sla_basis_points: z.int().min(5_000).max(10_000),
	prices: z
		.array(
			z.object({
				interval: z.enum(PriceInterval),
				currency: z.enum(CURRENCY_CODES),
				amount: z.int().min(1).max(99_999_999)
			})
		)
		.min(1)
		.max(40)
		.refine(
			(all) => new Set(all.map(({ interval, currency }) => interval + currency)).size === all.length
		),
	limits: z
		.array(limitBody)
		.max(RESOURCE_NAMES.length)
		.refine((all) => new Set(all.map(({ resource }) => resource)).size === all.length)
		.default([])
});

/** What `POST /api/plans` takes: a plan under a new key, hidden until it is published. */
export const newPlanBody = termsBody.extend({
	key: z.string().regex(/^[a-z][a-z0-9-]{1,29}$/),
	name: z.string().trim().min(1).max(60)
});

/** What `PATCH /api/plans/{id}` takes: words in place; of what people pay for anything makes a new version. */
export const changePlanBody = termsBody
	.extend({
		name: z.string().trim().min(1).max(60),
		position: z.int().min(0).max(999),
		trial_days: z.int().min(0).max(365),
		support_channel: z.enum(SUPPORT_CHANNELS),
		published: z.boolean(),
		purchasable: z.boolean(),
		highlighted: z.boolean(),
		base_domain_id: z.uuid().nullable(),
		limits: z.array(limitBody).max(RESOURCE_NAMES.length)
	})
	.partial()
	.extend({
		/** Of the plan as it was read: a plan that was changed since is refused with CHANGED_MEANWHILE. */
		revision: z.int()
	});

type TermsInput = Partial<z.output<typeof termsBody>>;

/** Terms of a body; what it leaves out is as it is. */
export function termsFrom(body: TermsInput, before: PlanTerms): PlanTerms {
	return {
		isolation: body.isolation ?? before.isolation,
		cpuCores: body.cpu_cores ?? before.cpuCores,
		ramMb: body.ram_mb ?? before.ramMb,
		diskGb: body.disk_gb ?? before.diskGb,
		backupIntervalHours: body.backup_interval_hours ?? before.backupIntervalHours,
		slaBasisPoints: body.sla_basis_points ?? before.slaBasisPoints,
		prices: body.prices ?? before.prices,
		limits: body.limits ?? before.limits
	};
}

/** Words of a body; what it leaves out is as it is. */
export function wordsFrom(body: z.output<typeof changePlanBody>, plan: WholePlan) {
	return {
		revision: body.revision,
		name: body.name ?? plan.name,
		position: body.position ?? plan.position,
		trial_days: body.trial_days ?? plan.trialDays,
		support_channel: z.enum(SUPPORT_CHANNELS).parse(body.support_channel ?? plan.supportChannel),
		published: body.published ?? plan.published,
		purchasable: body.purchasable ?? plan.purchasable,
		highlighted: body.highlighted ?? plan.highlighted,
		base_domain: body.base_domain_id === undefined ? plan.baseDomainId : body.base_domain_id
	};
}

/** Whether a body says anything of the words. */
export function saysWords(body: z.output<typeof changePlanBody>): boolean {
	const { name, position, trial_days, support_channel, published, purchasable } = body;
	return [
		name,
		position,
		trial_days,
		support_channel,
		published,
		purchasable,
		body.highlighted,
		body.base_domain_id
	].some((value) => value !== undefined);
}
