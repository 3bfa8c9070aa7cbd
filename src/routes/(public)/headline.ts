import { m } from '#i18n/paraglide/messages.js';
import type { SlowestSetups } from '#lib/provisioning/slowest.server.ts';

/** Of fewer set-ups nothing is promised. */
const FEW = 10;
const MINUTE_SECONDS = 60;
/** Beyond an hour a figure is no reason to come. */
const LONGEST_MINUTES = 60;

/**
 * The landing page's first sentence. Its figure is what nineteen of twenty set-ups kept to, rounded up: to whole minutes,
 * beyond ten of them to five.
 * @param usualSeconds the median that the page shows beside it: the promise is never shorter
 * @param locale BCP 47
 */
export function headline(
	slowest: SlowestSetups,
	usualSeconds: number | null,
	locale: string
): string {
	if (slowest.seconds === null || slowest.count < FEW) return m.landing_title();
	const exact = Math.max(slowest.seconds, usualSeconds ?? 0) / MINUTE_SECONDS;
	const step = exact > 10 ? 5 : 1;
	const minutes = Math.max(1, Math.ceil(exact / step) * step);
	if (minutes > LONGEST_MINUTES) return m.landing_title();
	if (minutes === 1) return m.landing_title_minute();
	const unit = { style: 'unit', unit: 'minute', unitDisplay: 'long' } as const;
	return m.landing_title_within({ time: new Intl.NumberFormat(locale, unit).format(minutes) });
}
