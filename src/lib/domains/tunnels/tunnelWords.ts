import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { TunnelChangeKind } from '#prisma/generated/enums.ts';
import type { AnsweredByUs } from './publishedHosts.server.ts';
import type { TunnelHostRow } from './tunnelHosts.server.ts';
import { isMade } from './tunnelRow.ts';

interface Word {
	label: () => string;
	tone: Tone;
}

const STATUSES: Record<string, Word | undefined> = {
	healthy: { label: m.tunnels_status_healthy, tone: 'success' },
	degraded: { label: m.tunnels_status_degraded, tone: 'warning' },
	down: { label: m.tunnels_status_down, tone: 'danger' },
	inactive: { label: m.tunnels_status_inactive, tone: 'neutral' },
	deleted: { label: m.tunnels_status_deleted, tone: 'danger' },
	unknown: { label: m.tunnels_status_unknown, tone: 'neutral' }
};
export const TUNNEL_STATUSES = Object.keys(STATUSES);

/** A status in words; one that Cloudflare invents later is shown as it is. */
export function statusWord(status: string): string {
	return STATUSES[status]?.label() ?? status;
}

/** How a tunnel is connected, for StatusDot; what is old is not shown as if it were now. */
export function tunnelStatus(
	tunnel: { status: string | null; cloudflareId: string; deletedAt: Date | null },
	isOld: boolean
): { label: string; tone: Tone } {
	if (tunnel.deletedAt) return { label: m.tunnels_status_removed(), tone: 'neutral' };
	if (!isMade(tunnel)) return { label: m.tunnels_status_making(), tone: 'info' };
	const status = tunnel.status ?? 'unknown';
	const tone = STATUSES[status]?.tone ?? 'neutral';
	return { label: statusWord(status), tone: isOld ? 'neutral' : tone };
}

const CHANGES: Record<TunnelChangeKind, Word> = {
	converged: { label: m.tunnels_change_converged, tone: 'success' },
	drifted: { label: m.tunnels_change_drifted, tone: 'warning' },
	repaired: { label: m.tunnels_change_repaired, tone: 'success' },
	adopted: { label: m.tunnels_change_adopted, tone: 'info' },
	created: { label: m.tunnels_change_created, tone: 'info' },
	restarted: { label: m.tunnels_change_restarted, tone: 'info' },
	deleted: { label: m.tunnels_change_deleted, tone: 'neutral' }
};

/** What happened, for Badge. */
export function changeWord(kind: TunnelChangeKind): { label: string; tone: Tone } {
	return { label: CHANGES[kind].label(), tone: CHANGES[kind].tone };
}

const BY_US: Record<AnsweredByUs, () => string> = {
	suspended: m.tunnels_host_suspended,
	moving: m.tunnels_host_moving,
	redirects: m.tunnels_host_redirects,
	unplaced: m.tunnels_host_unplaced
};

/** Why the platform answers for a host instead of its container. */
export function answeredByUs(why: AnsweredByUs): string {
	return BY_US[why]();
}

const KINDS = {
	edge: m.tunnels_host_edge,
	tenant: m.tunnels_host_tenant,
	domain: m.tunnels_host_domain
};
export const HOST_KINDS = ['tenant', 'domain', 'edge'] as const;

export function hostKind({ kind, adopted }: Pick<TunnelHostRow, 'kind' | 'adopted'>): string {
	return adopted ? m.tunnels_host_adopted() : KINDS[kind]();
}

/** `grafana.sajet.us /api` of a rule; `*` for one that takes every host. */
export function ruleName(rule: { hostname?: string; path?: string }): string {
	return [rule.hostname || '*', rule.path].filter(Boolean).join(' ');
}
