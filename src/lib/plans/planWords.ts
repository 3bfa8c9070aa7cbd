import { m } from '#i18n/paraglide/messages.js';
import { minorUnits } from '#lib/core/money.ts';
import { megabytes, money, percent } from '#lib/ui/format.ts';
import type { PlanCard } from './planCards.server.ts';

/** What of a plan is put into words. */
export type PlanFacts = Pick<
	PlanCard,
	| 'isolation'
	| 'cpuCores'
	| 'ramMb'
	| 'diskGb'
	| 'backupIntervalHours'
	| 'supportChannel'
	| 'slaBasisPoints'
>;

const ISOLATION: Record<PlanCard['isolation'], () => string> = {
	shared: () => m.plans_shared(),
	dedicated: () => m.plans_dedicated(),
	dedicated_ha: () => m.plans_dedicated_ha()
};

const SUPPORT: Record<string, () => string> = {
	email: () => m.plans_support_email(),
	chat: () => m.plans_support_chat(),
	phone: () => m.plans_support_phone()
};

const DAY_HOURS = 24;
const WEEK_HOURS = 168;

/** "1 núcleo · 2 GB · 10 GB": cores, memory, disk. */
export function planSize(
	plan: Pick<PlanFacts, 'cpuCores' | 'ramMb' | 'diskGb'>,
	locale: string
): string {
	const cores = plan.cpuCores === 1 ? m.plans_core() : m.plans_cores({ count: plan.cpuCores });
	return [cores, megabytes(plan.ramMb, locale), megabytes(plan.diskGb * 1024, locale)].join(' · ');
}

/** "Respaldo diario" */
export function backupText(hours: number): string {
	if (hours === WEEK_HOURS) return m.plans_backup_weekly();
	return hours === DAY_HOURS ? m.plans_backup_daily() : m.plans_backup_hours({ hours });
}

/** "Soporte por chat"; a channel that nobody named is shown by its own name. */
export function supportLabel(channel: string): string {
	return SUPPORT[channel]?.() ?? channel;
}

/** The lines of a plan's card, in the order in which people compare. */
export function planLines(plan: PlanFacts, locale: string): string[] {
	return [
		ISOLATION[plan.isolation](),
		planSize(plan, locale),
		backupText(plan.backupIntervalHours),
		supportLabel(plan.supportChannel),
		m.plans_sla({ share: percent(plan.slaBasisPoints / 10_000, locale, 2) })
	];
}

/** "US$ 29", with cents only where there are any. */
export function planPrice(price: NonNullable<PlanCard['price']>, locale: string): string {
	return money(price.amount, price.currency, locale, {
		whole: price.amount % minorUnits(price.currency) === 0
	});
}

/** "/mes" */
export function planInterval(price: NonNullable<PlanCard['price']>): string {
	return price.interval === 'year' ? m.plans_per_year() : m.plans_per_month();
}
