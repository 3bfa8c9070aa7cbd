import { m } from '#i18n/paraglide/messages.js';
import { money, number, percent } from '#lib/ui/format.ts';
import type { Tone } from '#lib/ui/tone.ts';
import type { Isolation } from '#prisma/generated/enums.ts';
import type { MirrorState } from './drift.ts';
import { actLabel, resourceLabel } from './limitWords.ts';
import type { Limit } from './limits.ts';
import type { PriceTerms } from './planForms.ts';
import type { TermChange } from './terms.ts';

const STATES: Record<'published' | 'hidden' | 'archived', { label: () => string; tone: Tone }> = {
	published: { label: m.plans_state_published, tone: 'success' },
	hidden: { label: m.plans_state_hidden, tone: 'neutral' },
	archived: { label: m.plans_state_archived, tone: 'neutral' }
};

/** Whether it is shown, for Badge. */
export function planStateBadge(state: keyof typeof STATES): { label: string; tone: Tone } {
	return { label: STATES[state].label(), tone: STATES[state].tone };
}

const MIRRORS: Record<MirrorState, { label: () => string; tone: Tone }> = {
	in_sync: { label: m.plans_mirror_in_sync, tone: 'success' },
	drift: { label: m.plans_mirror_drift, tone: 'warning' },
	absent: { label: m.plans_mirror_absent, tone: 'warning' },
	unseen: { label: m.plans_mirror_unseen, tone: 'neutral' },
	failed: { label: m.plans_mirror_failed, tone: 'danger' },
	unneeded: { label: m.plans_mirror_unneeded, tone: 'neutral' }
};

/** How it stands at Stripe, for Badge. */
export function mirrorBadge(state: MirrorState): { label: string; tone: Tone } {
	return { label: MIRRORS[state].label(), tone: MIRRORS[state].tone };
}

const ISOLATIONS: Record<Isolation, () => string> = {
	shared: m.tenant_isolation_shared,
	dedicated: m.tenant_isolation_dedicated,
	dedicated_ha: m.tenant_isolation_dedicated_ha
};

export function isolationWord(isolation: Isolation): string {
	return ISOLATIONS[isolation]();
}

/** "US$ 49/mes" @param locale BCP 47 */
export function priceText(
	price: Omit<PriceTerms, 'currency'> & { currency: string },
	locale: string
): string {
	const per = price.interval === 'year' ? m.plans_per_year() : m.plans_per_month();
	return `${money(price.amount, price.currency, locale)}${per}`;
}

/** "5, después de 14 días solo lectura" */
export function limitText(limit: Limit, locale: string): string {
	const amount = number(limit.amount, locale) + (limit.resource === 'disk_gb' ? ' GB' : '');
	if (limit.act === 'tell') return `${amount} · ${actLabel(limit.act)}`;
	return m.plans_limit_text({
		amount,
		days: number(limit.graceDays, locale),
		act: actLabel(limit.act)
	});
}

const PLAIN: Record<string, () => string> = {
	isolation: m.plans_isolation,
	cpuCores: m.plans_cpu,
	ramMb: m.plans_ram,
	diskGb: m.plans_disk,
	backupIntervalHours: m.plans_backup_hours_label,
	slaBasisPoints: m.plans_sla_label
};

/** What a new version changes: its name, what it was, what it becomes. @param locale BCP 47 */
export function changeWords(
	change: TermChange,
	locale: string
): { name: string; from: string; to: string } {
	const none = m.plans_none_of_it();
	if (change.what === 'price') {
		const { interval, currency } = (change.to ?? change.from)!;
		const period = interval === 'year' ? m.plans_yearly() : m.plans_monthly();
		return {
			name: m.plans_price_named({ period, currency: currency.toUpperCase() }),
			from: change.from ? money(change.from.amount, currency, locale) : none,
			to: change.to ? money(change.to.amount, currency, locale) : none
		};
	}
	if (change.what === 'limit')
		return {
			name: resourceLabel((change.to ?? change.from)!.resource),
			from: change.from ? limitText(change.from, locale) : m.limits_level_unlimited(),
			to: change.to ? limitText(change.to, locale) : m.limits_level_unlimited()
		};
	const text = (value: string | number) => {
		if (change.what === 'isolation')
			return value === 'shared' || value === 'dedicated' || value === 'dedicated_ha'
				? isolationWord(value)
				: String(value);
		if (change.what === 'slaBasisPoints') return percent(Number(value) / 10_000, locale, 2);
		if (change.what === 'ramMb') return `${number(Number(value) / 1024, locale)} GB`;
		if (change.what === 'diskGb') return `${number(Number(value), locale)} GB`;
		if (change.what === 'backupIntervalHours') return `${number(Number(value), locale)} h`;
		return number(Number(value), locale);
	};
	return { name: PLAIN[change.what]!(), from: text(change.from), to: text(change.to) };
}
