import { z } from 'zod';
import { tickbox } from '#lib/core/tickbox.ts';
import { m } from '#i18n/paraglide/messages.js';
import { LimitAct } from '#prisma/generated/enums.ts';
import { CURRENCY_CODES, parseAmount, type Currency } from './currencies.ts';
import { RESOURCE_NAMES, RESOURCES, type Limit } from './limits.ts';

const whole = (min: number, max: number) =>
	z
		.string()
		.trim()
		.refine((text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max, {
			error: () => m.plans_whole_number({ min, max })
		})
		.transform(Number);

const name = z
	.string()
	.trim()
	.min(1)
	.max(60, { error: () => m.signup_too_long({ max: 60 }) });

export const SUPPORT_CHANNELS = ['email', 'chat', 'phone'] as const;
export const ISOLATIONS = ['shared', 'dedicated', 'dedicated_ha'] as const;
/** Hours between backups that one may choose. */
export const BACKUP_HOURS = [1, 2, 4, 6, 8, 12, 24, 48, 168] as const;

/** What of a plan is only words and visibility: it is edited in place. */
export const wordsForm = z.object({
	revision: z.coerce.number().int(),
	name,
	position: whole(0, 999),
	trial_days: whole(0, 365),
	support_channel: z.enum(SUPPORT_CHANNELS),
	published: tickbox,
	purchasable: tickbox,
	highlighted: tickbox,
	/** Where its new instances get their name; empty: under the default one. */
	base_domain: z.union([z.uuid(), z.literal('')]).optional()
});
/** Without `base_domain` it stays as it is; null is the default one. */
export type PlanWords = Omit<z.output<typeof wordsForm>, 'base_domain'> & {
	base_domain?: string | null | undefined;
};

/** A promised availability in percent, at most two decimals, as hundredths of a percent. */
const sla = z
	.string()
	.trim()
	.transform((text, context) => {
		const parts = /^(\d{1,3})(?:[.,](\d{1,2}))?\s*%?$/.exec(text);
		const value = parts ? Number(parts[1]) * 100 + Number((parts[2] ?? '').padEnd(2, '0')) : 0;
		if (value >= 5_000 && value <= 10_000) return value;
		context.addIssue({ code: 'custom', message: m.plans_bad_sla() });
		return z.NEVER;
	});

export interface PriceTerms {
	interval: 'month' | 'year';
	currency: Currency;
	/** Minor units. */
	amount: number;
}

/** What people pay for: a change of it is a new version. */
export interface PlanTerms {
	isolation: (typeof ISOLATIONS)[number];
	cpuCores: number;
	ramMb: number;
	diskGb: number;
	backupIntervalHours: number;
	slaBasisPoints: number;
	prices: PriceTerms[];
	limits: Limit[];
}

/** Prices are `price.<interval>.<currency>`, limits `limit.<resource>` with `.grace` and `.act`; empty is none. */
export const termsForm = z
	.object({
		revision: z.coerce.number().int().default(1),
		/** What was shown before it is saved; something else is shown again. */
		reviewed: z.string().default(''),
		isolation: z.enum(ISOLATIONS),
		cpu_cores: whole(1, 128),
		ram_gb: whole(1, 1024),
		disk_gb: whole(1, 16_384),
		backup_interval_hours: whole(1, 720),
		sla
	})
	.catchall(z.string())
	.transform((given, context) => {
		const extra = (key: string): string => {
			const value: unknown = Reflect.get(given, key);
			return typeof value === 'string' ? value.trim() : '';
		};
		const wrong = (key: string, message: string) =>
			context.addIssue({ code: 'custom', path: [key], message });
		const prices = readPrices(extra, wrong);
		if (prices.length === 0) wrong('prices', m.plans_no_price());
		const terms: PlanTerms = {
			isolation: given.isolation,
			cpuCores: given.cpu_cores,
			ramMb: given.ram_gb * 1024,
			diskGb: given.disk_gb,
			backupIntervalHours: given.backup_interval_hours,
			slaBasisPoints: given.sla,
			prices,
			limits: readLimits(extra, wrong)
		};
		return { terms, revision: given.revision, reviewed: given.reviewed };
	});

type Read = (key: string) => string;
type Wrong = (key: string, message: string) => void;

function readPrices(extra: Read, wrong: Wrong): PriceTerms[] {
	const prices: PriceTerms[] = [];
	for (const currency of CURRENCY_CODES) {
		for (const interval of ['month', 'year'] as const) {
			const key = `price.${interval}.${currency}`;
			const text = extra(key);
			if (text === '') continue;
			const amount = parseAmount(text, currency);
			if (amount) prices.push({ interval, currency, amount });
			else wrong(key, m.plans_bad_amount());
		}
	}
	return prices;
}

function readLimits(extra: Read, wrong: Wrong): Limit[] {
	return RESOURCE_NAMES.flatMap((resource): Limit[] => {
		const key = `limit.${resource}`;
		const text = extra(key);
		if (text === '') return [];
		const amount = whole(0, 1_000_000).safeParse(text);
		if (!amount.success) wrong(key, m.plans_whole_number({ min: 0, max: 1_000_000 }));
		const grace = whole(0, 90).safeParse(extra(`${key}.grace`) || '14');
		if (!grace.success) wrong(`${key}.grace`, m.plans_whole_number({ min: 0, max: 90 }));
		const act = z.enum(LimitAct).safeParse(extra(`${key}.act`) || 'tell');
		const acts: readonly LimitAct[] = RESOURCES[resource].acts;
		if (!act.success || !acts.includes(act.data)) wrong(`${key}.act`, m.field_invalid());
		if (!amount.success || !grace.success || !act.success) return [];
		return [{ resource, amount: amount.data, graceDays: grace.data, act: act.data }];
	});
}

/** A new plan: its key for good, its words, its terms. */
export const newPlanForm = z.object({
	key: z
		.string()
		.trim()
		.toLowerCase()
		.regex(/^[a-z][a-z0-9-]{1,29}$/, { error: () => m.plans_bad_key() }),
	name,
	isolation: z.enum(ISOLATIONS),
	currency: z.enum(CURRENCY_CODES),
	amount: z.string()
});
