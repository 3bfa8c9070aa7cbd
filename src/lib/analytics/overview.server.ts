import { cached, forget } from '#lib/core/cache.server.ts';
import { db } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { isListening, onGap, onNotice } from '#lib/core/listen.server.ts';
import { nodeFigures } from '../infrastructure/nodes/figures.server.ts';
import { setupSpeed } from '../provisioning/speed.server.ts';
import { openAlerts } from '../notifications/alertList.server.ts';
import { dashboardMetrics } from './dashboard.server.ts';
import { setupsInProgress } from './inProgress.server.ts';
import { type Overview, overviewSchema } from './overviewShape.server.ts';
import { stripeFeed } from './stripeFeed.server.ts';

/** Measured values come without a notice; everything else that the figures are counted from announces itself. */
const LONGEST_SECONDS = 20;
const SHOWN = 10;
const RENEWED = 'staff:overview';
// Named anew when its shape changes: processes of two versions may share one cache.
const KEY = 'analytics.overview-2';

/** Everything that the dashboard shows, of one moment. */
async function readOverview(): Promise<Overview> {
	const speed = await setupSpeed(db);
	return {
		metrics: await dashboardMetrics(db),
		nodes: await nodeFigures(db),
		setups: await setupsInProgress(db, SHOWN),
		usualSeconds: speed?.seconds ?? null,
		events: await stripeFeed(db, SHOWN),
		alerts: (await openAlerts(db, SHOWN)).map((alert) => ({ ...alert }))
	};
}

// Every process hears the same notices, so that each forgets what it keeps, and the first of them what all share.
const drop = () => void forget(KEY);
onNotice(({ topic }) => {
	if (/^(staff|tenant|signup):/.test(topic) && topic !== RENEWED) drop();
});
onGap(drop);

/**
 * The dashboard's content: read once for everybody who looks, by all processes that share REDIS_URL together. When
 * something of it changed who looks is given the one of before, with its time, and hears when there is a new one.
 */
export function overview(): Promise<Overview> {
	// Without notices nobody would say that it is old.
	return isListening()
		? cached(KEY, LONGEST_SECONDS, overviewSchema, readOverview, {
				seconds: LONGEST_SECONDS,
				renewed: () => publish(db, RENEWED)
			})
		: readOverview();
}
