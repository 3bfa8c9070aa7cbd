import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import type { Tx } from '#lib/core/db.server.ts';
import { LimitAct } from '#prisma/generated/enums.ts';
import { CURRENCY_CODES } from './currencies.ts';
import { RESOURCE_NAMES } from './limits.ts';
import { changeWords } from './planAdminWords.ts';
import { ISOLATIONS, type PlanTerms } from './planForms.ts';
import { supportLabel } from './planWords.ts';
import { termChanges } from './terms.ts';

const SHOWN = 15;

/** Who changed what of a plan, all its versions together, the newest first; fields by their names in words. */
export async function planHistory(tx: Tx, key: string, locale: string) {
	const versions = await tx.plan.findMany({ where: { key }, select: { id: true, version: true } });
	const entries = await tx.auditEntry.findMany({
		where: { subjectType: 'plan', subjectId: { in: versions.map(({ id }) => id) } },
		orderBy: [{ at: 'desc' }, { id: 'desc' }],
		take: SHOWN,
		select: {
			...{ id: true, at: true, action: true, actorLabel: true, subjectId: true },
			...{ before: true, after: true }
		}
	});
	const versionOf = new Map(versions.map(({ id, version }) => [id, `v${version}`]));
	return entries.map(({ subjectId, before, after, ...entry }) => ({
		...entry,
		about: versionOf.get(subjectId ?? ''),
		...inWords(before, after, locale)
	}));
}

const termsSchema: z.ZodType<PlanTerms> = z.object({
	isolation: z.enum(ISOLATIONS),
	...{ cpuCores: z.number(), ramMb: z.number(), diskGb: z.number() },
	...{ backupIntervalHours: z.number(), slaBasisPoints: z.number() },
	prices: z.array(
		z.object({
			interval: z.enum(['month', 'year']),
			currency: z.enum(CURRENCY_CODES),
			amount: z.number()
		})
	),
	limits: z.array(
		z.object({
			resource: z.enum(RESOURCE_NAMES),
			amount: z.number(),
			graceDays: z.number(),
			act: z.enum(LimitAct)
		})
	)
});

type Words = Record<string, string>;

/** What an entry says in both, its terms as a person reads them. */
function inWords(before: unknown, after: unknown, locale: string): { before: Words; after: Words } {
	const [was, is] = [plainWords(before), plainWords(after)];
	const [had, has] = [termsSchema.safeParse(before).data, termsSchema.safeParse(after).data];
	const terms = has ? termChanges(had ?? { ...has, prices: [], limits: [] }, has) : [];
	for (const change of terms) {
		const { name, from, to } = changeWords(change, locale);
		if (had) was[name] = from;
		is[name] = to;
	}
	return { before: was, after: is };
}

const FIELDS: Record<string, () => string> = {
	name: m.plans_name,
	position: m.plans_position,
	trialDays: m.plans_trial_days,
	supportChannel: m.plans_support,
	published: m.plans_published,
	purchasable: m.plans_purchasable,
	highlighted: m.plans_highlighted,
	baseDomain: m.plans_base_domain,
	version: m.plans_version
};

function plainWords(value: unknown): Words {
	const fields: Record<string, unknown> =
		typeof value === 'object' && value !== null ? { ...value } : {};
	return Object.fromEntries(
		Object.entries(fields).flatMap(([name, held]) => {
			const label = FIELDS[name]?.();
			if (!label || held === null || held === undefined) return [];
			if (typeof held === 'boolean') return [[label, held ? m.ui_yes() : m.ui_no()]];
			return [[label, name === 'supportChannel' ? supportLabel(String(held)) : String(held)]];
		})
	);
}
