import { m } from '#i18n/paraglide/messages.js';
import { megabytes, number } from '#lib/ui/format.ts';
import type { Tone } from '#lib/ui/tone.ts';
import type { LimitAct } from '#prisma/generated/enums.ts';
import type { Level, ResourceName } from './limits.ts';

type Language = { locale?: 'es' | 'en' };

const LABELS: Record<ResourceName, (values: object, options: Language) => string> = {
	users: m.limits_users,
	disk_gb: m.limits_disk_gb,
	backups: m.limits_backups,
	domains: m.limits_domains,
	members: m.limits_members,
	instances: m.limits_instances
};
const HINTS: Record<ResourceName, () => string> = {
	users: m.limits_users_hint,
	disk_gb: m.limits_disk_gb_hint,
	backups: m.limits_backups_hint,
	domains: m.limits_domains_hint,
	members: m.limits_members_hint,
	instances: m.limits_instances_hint
};

/** "Usuarios del ERP" */
export function resourceLabel(resource: ResourceName, options: Language = {}): string {
	return LABELS[resource]({}, options);
}

/** What is counted, and where it is known from. */
export function resourceHint(resource: ResourceName): string {
	return HINTS[resource]();
}

/** "8,2 GB", "12". @param value in the unit of measurement @param locale BCP 47 */
export function resourceText(resource: ResourceName, value: number, locale: string): string {
	return resource === 'disk_gb' ? megabytes(value, locale) : number(value, locale);
}

const ACTS: Record<LimitAct, () => string> = {
	tell: m.limits_act_tell,
	refuse: m.limits_act_refuse,
	read_only: m.limits_act_read_only,
	suspend: m.limits_act_suspend
};

export function actLabel(act: LimitAct): string {
	return ACTS[act]();
}

const LEVELS: Record<Level, { label: () => string; tone: Tone }> = {
	unlimited: { label: m.limits_level_unlimited, tone: 'neutral' },
	unknown: { label: m.limits_level_unknown, tone: 'neutral' },
	ok: { label: m.limits_level_ok, tone: 'success' },
	near: { label: m.limits_level_near, tone: 'warning' },
	full: { label: m.limits_level_full, tone: 'warning' },
	over: { label: m.limits_level_over, tone: 'danger' }
};

/** How a use stands, for Badge. */
export function levelBadge(level: Level): { label: string; tone: Tone } {
	return { label: LEVELS[level].label(), tone: LEVELS[level].tone };
}
