import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { RecordAct, RecordChangeStatus, RecordStanding } from '#prisma/generated/enums.ts';
import { isOwnerKind, type OwnerKind } from './marks.ts';

type Badge = { label: string; tone: Tone };

const STANDINGS: Record<RecordStanding, { label: () => string; tone: Tone }> = {
	ours: { label: m.domains_standing_ours, tone: 'success' },
	differs: { label: m.domains_standing_differs, tone: 'warning' },
	orphan: { label: m.domains_standing_orphan, tone: 'warning' },
	missing: { label: m.domains_standing_missing, tone: 'danger' },
	foreign: { label: m.domains_standing_foreign, tone: 'neutral' }
};

export function standingBadge(standing: RecordStanding): Badge {
	const { label, tone } = STANDINGS[standing];
	return { label: label(), tone };
}

const ACTS: Record<RecordAct, () => string> = {
	delete: m.domains_act_delete,
	create: m.domains_act_create,
	correct: m.domains_act_correct
};

export function actWord(act: RecordAct): string {
	return ACTS[act]();
}

const STATUSES: Record<RecordChangeStatus, { label: () => string; tone: Tone }> = {
	waiting: { label: m.domains_change_waiting, tone: 'info' },
	done: { label: m.domains_change_done, tone: 'success' },
	refused: { label: m.domains_change_refused, tone: 'warning' },
	failed: { label: m.domains_change_failed, tone: 'danger' }
};

export function changeBadge(status: RecordChangeStatus): Badge {
	const { label, tone } = STATUSES[status];
	return { label: label(), tone };
}

const REASONS: Record<string, () => string> = {
	not_ours: m.domains_refused_not_ours,
	changed: m.domains_refused_changed,
	gone: m.domains_refused_gone,
	wanted: m.domains_refused_wanted,
	unwanted: m.domains_refused_unwanted,
	taken: m.domains_refused_taken
};

/** Why a change was not carried out; null when nothing stood in its way. */
export function reasonWord(reason: string | null): string | null {
	return (reason && REASONS[reason]?.()) ?? null;
}

const OWNERS: Record<OwnerKind, { label: () => string; href: (id: string) => string }> = {
	tenant: { label: m.domains_owner_tenant, href: (id) => `/admin/tenants/${id}` },
	domain: { label: m.domains_owner_domain, href: (id) => `/admin/domains/${id}` },
	base: { label: m.domains_owner_base, href: () => '/admin/domains/base' },
	host: { label: m.domains_owner_host, href: () => '/admin/tunnels' }
};

export function ownerWord(kind: string | null): string | null {
	return isOwnerKind(kind) ? OWNERS[kind].label() : null;
}

/** Where staff look at what a record was made for. */
export function ownerHref(kind: string | null, id: string | null): string | null {
	return isOwnerKind(kind) && id ? OWNERS[kind].href(id) : null;
}
