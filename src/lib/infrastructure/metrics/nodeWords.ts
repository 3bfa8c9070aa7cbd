import { m } from '#i18n/paraglide/messages.js';
import { number } from '#lib/ui/format.ts';
import { nodeStatus } from '../words.ts';
import type { NODE_STATES } from './cards.server.ts';
import type { UntilFull } from './trend.server.ts';

export function nodeStateLabel(state: (typeof NODE_STATES)[number]): string {
	if (state === 'full') return m.infra_node_full();
	return state === 'unwell' ? m.infra_node_unwell() : nodeStatus(state).label;
}

/** Sooner than this somebody should act (days), and sooner than that at once. */
const SOON = 14;
const NOW = 3;

/** What fills first, and when. */
export function untilFullWords(
	{ disk, ram }: UntilFull,
	locale: string
): { text: string; tone: 'neutral' | 'warning' | 'danger' } {
	const known = [
		...(disk === null ? [] : [{ what: m.unit_disk(), days: disk }]),
		...(ram === null ? [] : [{ what: m.unit_ram(), days: ram }])
	].sort((one, other) => one.days - other.days);
	const first = known[0];
	if (!first) return { text: m.infra_until_none(), tone: 'neutral' };
	const { what, days } = first;
	const tone = days < NOW ? 'danger' : days < SOON ? 'warning' : 'neutral';
	if (days < 1) return { text: m.infra_until_now({ what }), tone };
	return { text: m.infra_until({ what, days: number(Math.floor(days), locale) }), tone };
}
