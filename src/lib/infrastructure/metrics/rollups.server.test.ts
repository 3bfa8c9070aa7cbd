import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { after, DAY, HOUR, MINUTE, now, setClockOffset } from '#lib/core/clock.server.ts';
import { asCustomer, db } from '#lib/core/db.server.ts';
import {
	createCluster,
	createUnplacedTenant,
	nodeEnrolment
} from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { nodeCards } from './cards.server.ts';
import { clusterMap } from './map.server.ts';
import { machineMetrics } from './metricView.server.ts';
import { makeDayPartitions, pruneMetrics } from './partitions.server.ts';
import { rollUp } from './rollups.server.ts';
import { metricSeries } from './series.server.ts';
import { containersUntilFull, daysUntilFull } from './trend.server.ts';

await testDatabase();
await createCluster(db, {
	name: 'norte',
	nodes: [nodeEnrolment({ name: 'pve1' }), nodeEnrolment({ name: 'pve2' })]
});
const [pve1, pve2] = await db.node.findMany({ orderBy: { name: 'asc' } });
const template = await db.container.findFirstOrThrow();
const sample = (at: Date, values: object) =>
	db.resourceMetric.create({ data: { recordedAt: at, ...values } });
const hour = (at: Date) => new Date(Math.floor(at.getTime() / HOUR) * HOUR);
const count = async (table: string) => {
	const rows = await db.$queryRawUnsafe<{ count: bigint }[]>(`SELECT count(*) FROM ${table}`);
	return Number(rows[0]!.count);
};

beforeEach(async () => {
	setClockOffset(0);
	await db.$executeRaw`TRUNCATE resource_metrics, resource_metrics_hourly, resource_metrics_daily, metric_counters`;
	await makeDayPartitions(now());
});

describe('roll-ups', () => {
	const nodeId = pve1!.id;
	const rowsOf = (subjectId: string) =>
		db.metricHour.findMany({ where: { subjectId }, orderBy: { at: 'asc' } });

	it('sum the hours that are over, and their days, again as often as one likes', async () => {
		const last = after(hour(now()), -HOUR);
		const tenant = await createUnplacedTenant(db);
		const containerId = randomUUID();
		for (const [minute, cpuFraction] of [
			[0, 0.1],
			[5, 0.3],
			[59.99, 0.5]
		] as const)
			await sample(after(last, minute * MINUTE), {
				...{ containerId, tenantId: tenant.id, customerId: tenant.customerId, cpuFraction },
				...{ ramMb: 1000 * cpuFraction, networkInKb: 10, latencyMs: minute < 6 ? 100 : null }
			});
		// Of the hour that is not over.
		await sample(after(hour(now()), 1), { containerId, cpuFraction: 1 });
		await rollUp();
		const [row, ...none] = await rowsOf(containerId);
		expect(none).toEqual([]);
		expect(row).toMatchObject({
			...{ at: last, customerId: null, samples: 3, cpuMax: 0.5, ramAvgMb: 300, ramMaxMb: 500 },
			...{ networkInKb: 30, networkOutKb: null, latencyAvgMs: 100, latencyMaxMs: 100 }
		});
		expect(row!.cpuAvg).toBeCloseTo(0.3);
		const [ofTenant] = await rowsOf(tenant.id);
		expect(ofTenant).toMatchObject({ customerId: tenant.customerId, samples: 3 });
		const both = [await count('resource_metrics_hourly'), await count('resource_metrics_daily')];
		await rollUp();
		expect([await count('resource_metrics_hourly'), await count('resource_metrics_daily')]).toEqual(
			both
		);
	});

	it('count what was written late, weigh hours by their samples, and cut days in UTC', async () => {
		// The night in which clocks go back in Madrid and an hour comes twice; the day is as long as any.
		setClockOffset(new Date('2026-10-26T00:30:00Z').getTime() - Date.now());
		for (let h = 0; h < 24; h++)
			await sample(new Date(Date.UTC(2026, 9, 25, h, 30)), {
				nodeId,
				cpuFraction: 0.2,
				ramMb: 100
			});
		await rollUp();
		expect(await rowsOf(nodeId)).toHaveLength(24);
		for (let extra = 0; extra < 23; extra++)
			await sample(new Date(Date.UTC(2026, 9, 25, 23, 31)), { nodeId, cpuFraction: 0.8 });
		await rollUp();
		const day = await db.metricDay.findFirstOrThrow({ where: { subjectId: nodeId } });
		expect(day).toMatchObject({ at: new Date('2026-10-25T00:00:00Z'), samples: 47, cpuMax: 0.8 });
		expect(day.cpuAvg).toBeCloseTo((24 * 0.2 + 23 * 0.8) / 47);
		expect(await db.metricDay.count({ where: { subjectId: nodeId } })).toBe(1);
	});

	it('catch up after a week without a worker, into the partitions of their months', async () => {
		const first = after(hour(now()), -7 * DAY);
		await sample(after(first, -8 * DAY), { nodeId, cpuFraction: 0.1 });
		await rollUp();
		for (let h = 0; h < 7 * 24; h++)
			await sample(after(first, h * HOUR), { nodeId: pve2!.id, cpuFraction: 0.1 });
		await rollUp();
		expect(await rowsOf(pve2!.id)).toHaveLength(7 * 24);
		const places = await db.$queryRaw<{ name: string }[]>`
			SELECT DISTINCT tableoid::regclass::text AS name FROM resource_metrics_hourly`;
		expect(places.every(({ name }) => /_hourly_\d{6}$/.test(name))).toBe(true);
	});

	it('come before anything is dropped, raw values after thirty days, hours after four hundred', async () => {
		await sample(now(), { nodeId, cpuFraction: 0.1 });
		await db.$executeRaw`INSERT INTO metric_counters (subject_id, at) VALUES (${nodeId}::uuid, ${now()})`;
		const day = now().toISOString().slice(0, 10).replaceAll('-', '');
		const [where] = await db.$queryRaw<{ name: string }[]>`
			SELECT tableoid::regclass::text AS name FROM resource_metrics LIMIT 1`;
		expect(where!.name).toBe(`resource_metrics_${day}`);
		expect(await pruneMetrics()).toEqual([]);
		setClockOffset(31.5 * DAY);
		expect(await pruneMetrics()).toContain(`resource_metrics_${day}`);
		expect(await db.resourceMetric.count()).toBe(0);
		expect(await db.metricHour.count()).toBe(1);
		expect(await db.metricDay.count()).toBe(1);
		expect(await db.metricCounter.count()).toBe(0);
		setClockOffset(440 * DAY);
		expect(await pruneMetrics()).toContain(`resource_metrics_hourly_${day.slice(0, 6)}`);
		expect(await db.metricHour.count()).toBe(0);
		expect(await db.metricDay.count()).toBe(1);
	});
});

describe('series', () => {
	const subject = { kind: 'node', id: pve1!.id } as const;

	it('are raw, hourly or daily as the range is long, with gaps where nothing was measured', async () => {
		const to = after(hour(now()), 0);
		for (const minutes of [5, 10, 20])
			await sample(after(to, -minutes * MINUTE), {
				nodeId: subject.id,
				cpuFraction: minutes / 100,
				networkInKb: 300
			});
		const raw = await metricSeries(db, subject, { from: after(to, -DAY), to });
		expect(raw).toMatchObject({ resolution: 'raw', stepMs: 5 * MINUTE });
		expect(raw.points).toHaveLength(288);
		expect(raw.points.slice(-4).map(({ cpuAvg }) => cpuAvg)).toEqual([0.2, null, 0.1, 0.05]);
		expect(raw.points.at(-1)!.networkIn).toBe(1);
		await rollUp();
		const week = await metricSeries(db, subject, { from: after(to, -7 * DAY), to });
		expect(week).toMatchObject({ resolution: 'hourly', stepMs: HOUR });
		expect(week.points.at(-1)).toMatchObject({ cpuAvg: 0.1167, cpuMax: 0.2 });
		expect(week.points.at(-2)!.cpuAvg).toBeNull();
		const year = await metricSeries(db, subject, {
			from: after(to, -366 * DAY),
			to: after(to, DAY)
		});
		expect(year).toMatchObject({ resolution: 'daily', stepMs: DAY });
		expect(year.points.filter(({ cpuMax }) => cpuMax === 0.2)).toHaveLength(1);
	});

	it('of an instance are its customer’s alone', async () => {
		const mine = await createUnplacedTenant(db);
		const other = await createUnplacedTenant(db);
		const at = after(hour(now()), -30 * MINUTE);
		await sample(at, { tenantId: mine.id, customerId: mine.customerId, cpuFraction: 0.4 });
		await rollUp();
		const seenBy = (customerId: string, days: number) =>
			asCustomer({ customerId, userId: randomUUID() }, async (tx) => {
				const range = { from: after(now(), -days * DAY), to: now() };
				const { points } = await metricSeries(tx, { kind: 'tenant', id: mine.id }, range);
				return points.some(({ cpuMax }) => cpuMax === 0.4);
			});
		expect(await seenBy(mine.customerId, 1)).toBe(true);
		expect(await seenBy(mine.customerId, 7)).toBe(true);
		expect(await seenBy(other.customerId, 1)).toBe(false);
		expect(await seenBy(other.customerId, 7)).toBe(false);
	});
});

describe('days until full', () => {
	/** Hours of a node's use that ends now. @param perDay GB of disk and ten times as many MB of memory */
	async function grows(
		subjectId: string,
		from: { days: number; start: number; perDay: number; ended?: number }
	) {
		const end = after(hour(now()), -(from.ended ?? 0) * DAY);
		await db.metricHour.createMany({
			data: Array.from({ length: from.days * 24 + 1 }, (_, h) => {
				const disk = from.start + (from.perDay * h) / 24;
				return {
					...{ subjectId, at: after(end, (h - from.days * 24) * HOUR), samples: 12 },
					...{ diskMaxGb: disk, ramAvgMb: disk * 10 }
				};
			})
		});
	}

	it.each([
		['rising', { days: 10, start: 500, perDay: 10 }, 40],
		['full', { days: 10, start: 950, perDay: 10 }, 0],
		['flat', { days: 10, start: 500, perDay: 0.01 }, null],
		['falling', { days: 10, start: 500, perDay: -5 }, null],
		['seen for too short a time', { days: 2, start: 500, perDay: 50 }, null],
		['not seen any more', { days: 8, start: 500, perDay: 10, ended: 4 }, null],
		['so slow that it is never', { days: 10, start: 10, perDay: 0.2 }, null]
	])('%s', async (_name, use, days) => {
		await db.node.update({
			where: { id: pve1!.id },
			data: { diskTotalGb: 1000, ramTotalMb: 65_536 }
		});
		await grows(pve1!.id, use);
		const found = await daysUntilFull(db);
		if (days === null || days === 0) expect(found.get(pve1!.id)!.disk).toBe(days);
		else expect(found.get(pve1!.id)!.disk).toBeCloseTo(days, 0);
		expect(found.get(pve2!.id)).toEqual({ disk: null, ram: null });
	});

	it('of a container against its own limits', async () => {
		await db.container.update({
			where: { id: template.id },
			data: { status: 'running', purpose: 'odoo', diskGb: 50, ramMb: 4096 }
		});
		const today = new Date(Math.floor(now().getTime() / DAY) * DAY);
		await db.metricDay.createMany({
			data: [5, 4, 3, 2, 1, 0].map((ago) => ({
				...{ subjectId: template.id, at: after(today, -ago * DAY), samples: 288 },
				...{ diskMaxGb: 40 - ago, ramAvgMb: 500 }
			}))
		});
		const { disk, ram } = (await containersUntilFull(db)).get(template.id)!;
		expect(disk).toBeGreaterThan(8.9);
		expect(disk).toBeLessThanOrEqual(10);
		expect(ram).toBeNull();
	});
});

describe('what pages and the API show', () => {
	const query = { q: '', page: 1, pageSize: 24, filters: {} };

	it('cards by cluster and name, with their state, narrowed by search and filters', async () => {
		await createCluster(db, { name: 'sur', nodes: [nodeEnrolment({ name: 'alfa' })] });
		const alfa = await db.node.update({
			where: { id: (await db.node.findFirstOrThrow({ where: { name: 'alfa' } })).id },
			data: { status: 'maintenance', maxContainers: 1 }
		});
		const names = async (changes: object) => {
			const { rows, meta } = await nodeCards(db, { ...query, ...changes });
			return { names: rows.map(({ name }) => name), total: meta.total };
		};
		expect(await names({})).toEqual({ names: ['pve1', 'pve2', 'alfa'], total: 3 });
		expect(await names({ page: 2, pageSize: 2 })).toEqual({ names: ['alfa'], total: 3 });
		expect(await names({ filters: { cluster: 'sur' } })).toMatchObject({ names: ['alfa'] });
		expect(await names({ filters: { state: 'maintenance' } })).toMatchObject({ names: ['alfa'] });
		expect(await names({ filters: { state: 'full' } })).toMatchObject({ names: ['alfa'] });
		expect(await names({ q: 'PVE2' })).toMatchObject({ names: ['pve2'], total: 1 });
		const [card] = (await nodeCards(db, { ...query, q: 'alfa' })).rows;
		expect(card).toMatchObject({
			...{ id: alfa.id, isFull: true, tenants: 0, untilFull: { disk: null, ram: null } }
		});
	});

	it('the map has a cell for each container, and of too many a count for each state', async () => {
		const tenant = await createUnplacedTenant(db);
		await db.tenant.update({ where: { id: tenant.id }, data: { containerId: template.id } });
		const seen = await clusterMap(db, 'norte');
		expect(seen.clusters).toHaveLength(1);
		const [first, second] = seen.clusters[0]!.nodes;
		expect(first!.cells).toMatchObject([{ id: template.id, tenants: 1 }]);
		expect(second).toMatchObject({ cells: [], counts: [] });
		await db.$executeRaw`
			INSERT INTO lxc_containers (id, cluster_id, node_id, vmid, hostname, purpose, cpu_cores, ram_mb, disk_gb, status)
			SELECT gen_random_uuid(), ${pve2!.clusterId}::uuid, ${pve2!.id}::uuid, 20000 + n, 'ct' || n, 'odoo', 1, 512, 4,
				(CASE WHEN n % 10 = 0 THEN 'stopped' ELSE 'running' END)::container_status
			FROM generate_series(1, 1100) n`;
		const many = await clusterMap(db, 'norte');
		expect(many.containers).toBe(1101);
		expect(many.clusters[0]!.nodes[1]).toMatchObject({
			cells: null,
			counts: [
				{ status: 'running', count: 990 },
				{ status: 'stopped', count: 110 }
			]
		});
	});

	it('current values and a series, null where nothing is known', async () => {
		const range = { from: after(now(), -DAY), to: now() };
		const subject = { kind: 'node', id: pve1!.id } as const;
		expect((await machineMetrics(db, subject, range)).current).toBeNull();
		await sample(after(now(), -MINUTE), { nodeId: pve1!.id, cpuFraction: 0.25, tenants: 4 });
		const found = await machineMetrics(db, subject, range);
		expect(found).toMatchObject({
			...{ resolution: 'raw', step_seconds: 300 },
			current: { cpu_fraction: 0.25, tenants: 4, ram_mb: null }
		});
		expect(found.points.filter(({ cpu_avg }) => cpu_avg !== null)).toHaveLength(1);
		await expect(
			machineMetrics(db, { kind: 'node', id: randomUUID() }, range)
		).rejects.toMatchObject({ code: 'NOT_FOUND' });
	});
});
