import { describe, expect, it, vi } from 'vitest';
import { after, DAY, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import type { Tenant } from '#prisma/generated/client.ts';
import { buy, giveAway, type PlanKey } from '../../../tests/setup/buyers.ts';
import { signupIs, tenantIs } from '../../../tests/setup/money.ts';
import { expectNoOrphans, expectNothingLost } from '../../../tests/setup/orphans.ts';
import { outside } from '../../../tests/setup/outside.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { probeAll } from './uptime/probe.server.ts';
import { oneTenant } from './tenantView.server.ts';
import { reactivate, requestDeletion, retry, suspend, undoDeletion } from './tenants.server.ts';

// Nothing here takes longer than seconds, but on a machine that does much else at the same time.
vi.setConfig({ testTimeout: 120_000 });
const platform = await testPlatform();
const world = outside(platform.sandbox);
const by = SYSTEM;

let made = 0;
async function live(plan: PlanKey): Promise<Tenant> {
	const slug = `live-${++made}`;
	await giveAway(plan, slug);
	return setUp(slug);
}
/** It is on the air, and its run has ended: until then nothing else may be begun on it. */
async function setUp(slug: string): Promise<Tenant> {
	const tenant = await tenantIs(slug, 'active');
	const ended = { subjectId: tenant.id, status: 'succeeded' as const };
	await eventually(() => db.provisioningJob.findFirst({ where: ended }));
	return tenant;
}
const fresh = (tenant: Tenant) => db.tenant.findUniqueOrThrow({ where: { id: tenant.id } });
const service = (tenant: Tenant) => world.rules(`${tenant.slug}.sajet.us`)[0]?.service;
const deletionOf = (tenant: Tenant) =>
	db.provisioningJob.findFirstOrThrow({
		where: { subjectId: tenant.id, saga: 'tenants.delete' },
		orderBy: { createdAt: 'desc' },
		include: { steps: { orderBy: { position: 'asc' } } }
	});
/** The days of grace go by. */
async function graceEnds(tenant: Tenant): Promise<void> {
	await db.tenant.update({
		where: { id: tenant.id },
		data: { deleteAfter: after(now(), -MINUTE) }
	});
	const { id } = await deletionOf(tenant);
	await transaction((tx) => wakeSaga(tx, id));
}
const app = process.env.INTERNAL_URL;

describe('a suspended instance', () => {
	it('leads to the page that says why, and back to exactly where it was', async () => {
		const tenant = await live('pro');
		const before = world.ingress();
		await transaction((tx) => suspend(tx, tenant, { reason: 'request', by }));
		await eventually(async () => service(tenant) === app);
		expect(world.ingress().filter((rule) => rule.service === app)).toHaveLength(2);
		const away = await fresh(tenant);
		expect(away).toMatchObject({ status: 'suspended', suspensionReason: 'request' });
		await expectNoOrphans(platform, tenant.slug);

		await transaction((tx) => reactivate(tx, away, { by }));
		await eventually(async () => service(tenant) !== app);
		expect(world.ingress()).toEqual(before);
		expect(await fresh(tenant)).toMatchObject({ status: 'active', suspensionReason: null });
		const page = await platform.open(`${tenant.slug}.sajet.us`, '/web/login');
		expect(page.body).toContain(`value="${tenant.slug}"`);
		await expectNoOrphans(platform, tenant.slug);
	});

	it('is suspended once: of two at the same time one is told that it was too late', async () => {
		const tenant = await live('basic');
		const both = await Promise.allSettled(
			(['unpaid', 'abuse'] as const).map((reason) =>
				transaction((tx) => suspend(tx, tenant, { reason, by }))
			)
		);
		const refused = both.filter((one) => one.status === 'rejected');
		expect(refused.map(({ reason }) => reason)).toMatchObject([{ code: 'CHANGED_MEANWHILE' }]);
	});
});

describe('a deletion', () => {
	it('touches nothing in its days of grace, and can be taken back', async () => {
		const tenant = await live('pro');
		const before = world.ingress();
		await transaction((tx) => requestDeletion(tx, tenant, { by }));
		await eventually(async () => service(tenant) === app);
		await eventually(async () => (await deletionOf(tenant)).status === 'waiting');
		const going = await fresh(tenant);
		expect(Math.round((going.deleteAfter!.getTime() - now().getTime()) / DAY)).toBe(7);
		expect(world.databases(tenant.slug)).toHaveLength(1);

		await transaction((tx) => undoDeletion(tx, going, { by }));
		await eventually(async () => service(tenant) !== app);
		expect(world.ingress()).toEqual(before);
		expect(await fresh(tenant)).toMatchObject({ status: 'active', deleteAfter: null });
		await expectNoOrphans(platform, tenant.slug);
		// What waited in the queue finds nothing to do.
		const { id } = await deletionOf(tenant);
		await transaction((tx) => wakeSaga(tx, id));
		await eventually(async () => {
			const [row] = await db.$queryRaw<{ count: bigint }[]>`
				SELECT count(*) FROM pgboss.job WHERE name = 'sagas.run' AND singleton_key = ${id}
					AND state IN ('created', 'active') AND start_after <= now()`;
			return row!.count === 0n;
		});
		expect(await fresh(tenant)).toMatchObject({ status: 'active' });
	});

	it.each(['pro', 'basic'] as const)(
		'of a %s instance takes the last backup first, and then everything',
		async (plan) => {
			const slug = `bought-${plan}`;
			const { signupId } = await buy(platform, plan, slug);
			await signupIs(signupId, 'completed');
			const tenant = await setUp(slug);
			await transaction((tx) => requestDeletion(tx, tenant, { by }));
			await graceEnds(tenant);
			await tenantIs(slug, 'deleted');
			await eventually(async () => (await deletionOf(tenant)).status === 'succeeded');
			const backup = await db.backup.findFirstOrThrow({ where: { tenantId: tenant.id } });
			expect(backup).toMatchObject({ verifiedAt: expect.any(Date), error: null });
			expect(Number(backup.sizeBytes)).toBeGreaterThan(0);
			const run = await deletionOf(tenant);
			const [, saved, , removed] = run.steps;
			expect(saved!.finishedAt!.getTime()).toBeLessThanOrEqual(removed!.startedAt!.getTime());
			await eventually(async () => world.subscriptions(signupId)[0]?.status === 'canceled');
			expect(world.databases(slug)).toEqual([]);
			expect(world.records(`${slug}.sajet.us`)).toEqual([]);
			expect(world.rules(`${slug}.sajet.us`)).toEqual([]);
			expect(await db.nameReservation.count({ where: { slug } })).toBe(0);
			await expectNothingLost(platform);
		}
	);

	it('of one instance in a shared container leaves the others in it alone', async () => {
		const [leaves, stays] = [await live('basic'), await live('basic')];
		expect(leaves.containerId).toBe(stays.containerId);
		await transaction((tx) => requestDeletion(tx, leaves, { by }));
		await graceEnds(leaves);
		await tenantIs(leaves.slug, 'deleted');
		await eventually(async () => (await deletionOf(leaves)).status === 'succeeded');
		await expectNoOrphans(platform, leaves.slug);
		await expectNoOrphans(platform, stays.slug);
		const page = await platform.open(`${stays.slug}.sajet.us`, '/web/login');
		expect(page.body).toContain(`value="${stays.slug}"`);
	});

	it('without its backup deletes nothing, says why, and goes on when it is tried again', async () => {
		const tenant = await live('pro');
		platform.fault({
			...{ target: 'proxmox', match: '^TASK vzdump', kind: 'status', times: 1000 },
			body: 'no space left on device'
		});
		await transaction((tx) => requestDeletion(tx, tenant, { by }));
		await graceEnds(tenant);
		await eventually(async () => (await deletionOf(tenant)).status === 'failed', 60);
		const failed = await deletionOf(tenant);
		expect(failed.steps.map(({ status }) => status)).toEqual([
			...['done', 'failed', 'pending', 'pending', 'pending']
		]);
		const shown = (await oneTenant(db, tenant.id)).job!.steps;
		expect(shown[0]).toMatchObject({ error: null, technical_detail: null });
		// In the reader's language, with the vendor's own words beside it.
		expect(shown[1]).toMatchObject({
			...{ error: 'Proxmox no hizo lo que se le pidió.', error_code: 'VENDOR_FAILED' },
			technical_detail: expect.stringContaining('no space left on device')
		});
		expect(await fresh(tenant)).toMatchObject({ status: 'deleting' });
		expect(world.databases(tenant.slug)).toHaveLength(1);
		const alert = { rule: 'provisioning.delete-failed', subjectId: tenant.id, closedAt: null };
		expect(await db.alert.count({ where: alert })).toBe(1);

		platform.sandbox.kernel.faults.clear();
		await transaction(async (tx) => retry(tx, await fresh(tenant), { by }));
		await tenantIs(tenant.slug, 'deleted');
		await eventually(async () => (await deletionOf(tenant)).status === 'succeeded');
		expect(await db.alert.count({ where: alert })).toBe(0);
		await expectNoOrphans(platform, tenant.slug);
	});
});

describe('the probe', () => {
	it('calls an instance degraded after some misses in a row, and active when it is seen again', async () => {
		const tenant = await live('pro');
		const { vmid } = await db.container.findUniqueOrThrow({ where: { id: tenant.containerId! } });
		const guest = world.cluster.guests.get(vmid)!;
		const alert = { rule: 'provisioning.tenant-down', subjectId: tenant.id, closedAt: null };
		guest.active = false;
		await probeAll();
		await probeAll();
		expect(await fresh(tenant)).toMatchObject({ status: 'active', probeMisses: 2 });
		expect(await db.alert.count({ where: alert })).toBe(0);
		await probeAll();
		expect(await fresh(tenant)).toMatchObject({ status: 'degraded', probeMisses: 3 });
		expect(await db.alert.count({ where: alert })).toBe(1);
		guest.active = true;
		await probeAll();
		expect(await fresh(tenant)).toMatchObject({ status: 'active', probeMisses: 0 });
		expect(await db.alert.count({ where: alert })).toBe(0);
	});

	it('leaves alone what somebody has taken off the air', async () => {
		const tenant = await live('basic');
		await transaction((tx) => suspend(tx, tenant, { reason: 'unpaid', by }));
		await eventually(async () => service(tenant) === app);
		await probeAll();
		expect(await fresh(tenant)).toMatchObject({ status: 'suspended', probeMisses: 0 });
	});
});
