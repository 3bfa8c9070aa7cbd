import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { Verdict } from './uptime.ts';

const LOOKS: Record<Verdict, { label: () => string; tone: Tone }> = {
	met: { label: m.uptime_verdict_met, tone: 'success' },
	at_risk: { label: m.uptime_verdict_at_risk, tone: 'warning' },
	missed: { label: m.uptime_verdict_missed, tone: 'danger' },
	unknown: { label: m.uptime_verdict_unknown, tone: 'neutral' }
};

/** How a month stands, for Badge. */
export function uptimeVerdict(verdict: Verdict): { label: string; tone: Tone } {
	return { label: LOOKS[verdict].label(), tone: LOOKS[verdict].tone };
}

const SEEN: Record<string, () => string> = {
	edge_1016: m.uptime_seen_edge_1016,
	edge_1033: m.uptime_seen_edge_1033,
	http_404: m.uptime_seen_http_404,
	other_database: m.uptime_seen_other_database,
	no_login: m.uptime_seen_no_login,
	timeout: m.uptime_seen_timeout,
	dns: m.uptime_seen_dns,
	nxdomain: m.uptime_seen_nxdomain,
	nodata: m.uptime_seen_nxdomain,
	refused: m.uptime_seen_refused,
	tls: m.uptime_seen_tls,
	lost: m.uptime_seen_lost,
	moving: m.uptime_seen_moving,
	move_failed: m.uptime_seen_move_failed
};

/** What was seen instead of the login page, in words for staff. */
export function seenWords(seen: string): string {
	const known = SEEN[seen];
	if (known) return known();
	const [kind, code = ''] = seen.split('_');
	if (kind === 'edge') return m.uptime_seen_edge({ code });
	if (kind === 'http')
		return code.startsWith('5') ? m.uptime_seen_http_5xx({ code }) : m.uptime_seen_http({ code });
	return seen;
}
