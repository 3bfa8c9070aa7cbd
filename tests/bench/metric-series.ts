/** How long charts of each range take, over containers by turns, and what jobs cost. Says it as one line of JSON. */
import { after, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { rollUp } from '#lib/infrastructure/metrics/rollups.server.ts';
import { metricSeries } from '#lib/infrastructure/metrics/series.server.ts';
import { RANGES } from '#lib/infrastructure/metrics/series.ts';
import { daysUntilFull } from '#lib/infrastructure/metrics/trend.server.ts';

const LOOKS = 300;
const subjects = await db.$queryRaw<{ id: string }[]>`
	SELECT DISTINCT subject_id AS id FROM resource_metrics_daily LIMIT 5000`;

async function timed(work: () => Promise<unknown>): Promise<number> {
	const at = performance.now();
	await work();
	return performance.now() - at;
}

const ranges: Record<string, number[]> = {};
for (const [name, length] of Object.entries(RANGES)) {
	const look = (n: number) => {
		const { id } = subjects[(n * 7919) % subjects.length]!;
		return metricSeries(db, { kind: 'container', id }, { from: after(now(), -length), to: now() });
	};
	for (let n = 0; n < 20; n += 1) await look(n);
	const times: number[] = [];
	for (let n = 0; n < LOOKS; n += 1) times.push(await timed(() => look(n + 20)));
	ranges[name] = times;
}
// The second time: the first one sums what nobody has summed yet.
await rollUp();
const rollUpMs = await timed(() => rollUp());
const untilFullMs = await timed(() => daysUntilFull(db));
console.log(JSON.stringify({ ranges, rollUpMs, untilFullMs }));
await db.$disconnect();
