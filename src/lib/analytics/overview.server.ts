import { SECOND } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { isListening, onGap, onNotice } from '#lib/core/listen.server.ts';
import { nodeFigures } from '../infrastructure/figures.server.ts';
import { setupSpeed } from '../provisioning/speed.server.ts';
import { openAlerts } from '../notifications/alertList.server.ts';
import { setting } from '../settings/settings.server.ts';
import { dashboardMetrics } from './dashboard.server.ts';
import { setupsInProgress } from './inProgress.server.ts';
import { mrrHistory } from './mrrHistory.server.ts';
import { stripeFeed } from './stripeFeed.server.ts';

/** Measured values come without a notice; everything else that the figures are counted from announces itself. */
const LONGEST_MS = 20 * SECOND;
const SHOWN = 8;

/** Everything that the dashboard shows, of one moment. */
async function readOverview() {
	const metrics = await dashboardMetrics(db);
	const zone = await setting('general.timezone');
	const main = metrics.mrr.toSorted((a, b) => b.amount - a.amount)[0] ?? null;
	const speed = await setupSpeed(db);
	return {
		metrics,
		/** The currency in which most is earned; null before anybody pays. */
		main,
		zone,
		history: main ? await mrrHistory(db, metrics.at, zone, main.currency) : [],
		nodes: await nodeFigures(db),
		setups: await setupsInProgress(db, SHOWN),
		usualSeconds: speed?.seconds ?? null,
		events: await stripeFeed(db, SHOWN),
		alerts: await openAlerts(db, SHOWN)
	};
}

export type Overview = Awaited<ReturnType<typeof readOverview>>;

let kept: { value: Promise<Overview>; until: number } | null = null;
const forget = () => (kept = null);
onNotice(({ topic }) => {
	if (/^(staff|tenant|signup):/.test(topic)) forget();
});
onGap(forget);

/** The dashboard's content: read once for everybody who looks, and again as soon as something of it changed. */
export function overview(): Promise<Overview> {
	// Without notices nobody would say that it is old.
	if (!isListening()) return readOverview();
	if (!kept || kept.until < Date.now()) {
		const value = readOverview();
		kept = { value, until: Date.now() + LONGEST_MS };
		value.catch(forget);
	}
	return kept.value;
}
