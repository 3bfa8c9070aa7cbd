import { beforeAll, describe, expect, it } from 'vitest';
import { createCluster, createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { after, DAY, MINUTE, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { alertMetric } from '#lib/notifications/alerts/alertMetrics.server.ts';
import { evaluateAlerts } from '#lib/notifications/alerts/evaluate.server.ts';
import '../../jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: false });

let nodeId = '';
let containerId = '';

const read = async (name: string, samples = 1) => alertMetric(name)!.read(db, { samples });
const of = async (name: string, subjectId: string, samples = 1) =>
	(await read(name, samples)).find((reading) => reading.subjectId === subjectId);
const sample = (minutesAgo: number, values: object) =>
	db.resourceMetric.create({ data: { recordedAt: after(now(), -minutesAgo * MINUTE), ...values } });
/** What was used today, yesterday and so on; a node's figure is read from the hours. */
const days = async (subjectId: string, used: number[]) => {
	// All from one instant: a millisecond less than three days says nothing.
	const today = now();
	const data = used.map((diskMaxGb, back) => ({
		...{ subjectId, samples: 288, diskMaxGb },
		at: after(today, -back * DAY)
	}));
	await db.metricDay.createMany({ data });
	await db.metricHour.createMany({ data });
};

beforeAll(async () => {
	const { clusterId } = await createCluster(db);
	const node = await db.node.findFirstOrThrow({ where: { clusterId } });
	nodeId = node.id;
	const container = await db.container.create({
		data: {
			...{ clusterId, nodeId, vmid: 201, hostname: 'acme', purpose: 'odoo', status: 'running' },
			...{ cpuCores: 2, ramMb: 4_000, diskGb: 50 }
		}
	});
	containerId = container.id;
});

it('gives the newest values of each subject in its own unit, and nothing where nothing is fresh', async () => {
	expect(await of('node.cpu', nodeId, 3)).toMatchObject({ name: 'pve1', values: null });
	for (const [ago, cpuFraction] of [
		[1, 0.9],
		[6, 0.8],
		[11, 0.7],
		[16, 0.1]
	] as const)
		await sample(ago, { nodeId, cpuFraction, ramMb: 32_768, diskGb: 850 });
	expect((await of('node.cpu', nodeId, 3))!.values).toEqual(
		[90, 80, 70].map((value) => expect.closeTo(value))
	);
	expect((await of('node.ram', nodeId, 2))!.values).toEqual([50, 50]);
	expect((await of('node.disk', nodeId))!.values).toEqual([85]);
	await sample(20, { containerId, cpuFraction: 0.99, ramMb: 3_000, diskGb: 40 });
	expect((await of('container.cpu', containerId))!.values).toBeNull();
	await sample(2, { containerId, cpuFraction: null, ramMb: 3_000, diskGb: 40 });
	expect((await of('container.ram', containerId, 2))!.values).toEqual([75, 75]);
	expect((await of('container.cpu', containerId))!.values).toBeNull();
	await db.container.update({ where: { id: containerId }, data: { status: 'stopped' } });
	expect(await of('container.ram', containerId)).toBeUndefined();
	await db.container.update({ where: { id: containerId }, data: { status: 'running' } });
});

describe('days until a disk is full', () => {
	it.each([
		['too few days', [40, 39, 38], null],
		['rising by one a day', [44, 43, 42, 41], 6],
		['level', [40, 40, 40, 40], 3_650],
		['falling', [40, 41, 42, 43], 3_650],
		['full', [50, 49, 48, 47], 0]
	])('%s', async (_, used, expected) => {
		await db.metricDay.deleteMany();
		await db.metricHour.deleteMany();
		await days(containerId, used);
		const reading = await of('container.disk_days', containerId);
		expect(reading!.values).toEqual(expected === null ? null : [expect.closeTo(expected, 1)]);
		const level = await of('container.disk', containerId);
		expect(level!.daysLeft ?? null).toEqual(expected === null ? null : expect.closeTo(expected, 1));
	});

	it('of a node', async () => {
		await days(nodeId, [850, 840, 830, 820]);
		expect((await of('node.disk_days', nodeId))!.values).toEqual([expect.closeTo(15, 1)]);
	});
});

it('reads nodes, certificates, response times, waiting and backups', async () => {
	await db.node.update({
		where: { id: nodeId },
		data: { status: 'offline', apiCertificateExpiresAt: after(now(), 10 * DAY) }
	});
	expect((await of('node.offline', nodeId))!.values).toEqual([1]);
	expect((await of('node.certificate_days', nodeId))!.values).toEqual([expect.closeTo(10, 1)]);

	const tenant = await createUnplacedTenant(db, { slug: 'lenta' });
	await db.tenant.update({
		where: { id: tenant.id },
		data: { status: 'active', containerId, activatedAt: after(now(), -3 * DAY) }
	});
	await sample(2, { tenantId: tenant.id, customerId: tenant.customerId, latencyMs: 4_200 });
	expect(await of('tenant.latency', tenant.id)).toMatchObject({ name: 'lenta', values: [4_200] });
	// Pro promises one a day.
	expect((await of('tenant.backup_age', tenant.id))!.values).toEqual([expect.closeTo(3, 2)]);
	const backup = { customerId: tenant.customerId, tenantId: tenant.id, reason: 'scheduled' };
	await db.backup.create({
		data: {
			...{ ...backup, kind: 'container', status: 'succeeded' },
			startedAt: after(now(), -DAY / 2)
		}
	});
	await db.backup.create({ data: { ...backup, kind: 'container', status: 'failed' } });
	expect((await of('tenant.backup_age', tenant.id))!.values).toEqual([expect.closeTo(0.5, 2)]);

	expect(await read('tenant.waits_for_room')).toEqual([]);
	const waiting = await createUnplacedTenant(db, { slug: 'espera' });
	await db.tenant.update({ where: { id: waiting.id }, data: { status: 'waiting_capacity' } });
	expect(await read('tenant.waits_for_room')).toMatchObject([{ subjectId: waiting.id }]);
	expect(await read('domain.certificate_days')).toEqual([]);
});

it('opens what the rules of the product say, with a sentence that a person reads', async () => {
	await sample(0, { nodeId, cpuFraction: 0.99, ramMb: 1, diskGb: 1 });
	await evaluateAlerts();
	const open = await db.alert.findMany({ where: { closedAt: null }, orderBy: { rule: 'asc' } });
	expect(open.map(({ rule }) => rule)).toEqual([
		...['infrastructure.container-disk-full', 'infrastructure.node-certificate'],
		...['infrastructure.node-offline', 'provisioning.no-capacity']
	]);
});
