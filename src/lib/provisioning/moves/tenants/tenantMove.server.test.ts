import { expect, it, vi } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { sentenceOf } from '#lib/core/errors.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import type { Isolation, Tenant } from '#prisma/generated/client.ts';
import { testPlatform } from '../../../../../tests/setup/platform.ts';
import { eventually } from '../../../../../tests/setup/queue.ts';
import {
	confirmed,
	databasesOf,
	ended,
	goes,
	insideOf,
	liveTenant,
	move,
	moveIs,
	nodeBeside,
	vmidOf,
	work
} from '../../../../../tests/setup/tenantMoves.ts';
import { clusterOf } from '../../../../sandbox/proxmox/cluster.ts';
import { convergeReadOnly, setReadOnly } from '../../readOnly.server.ts';
import { suspend } from '../../tenants.server.ts';
import { moveFits } from './moveFits.server.ts';
import { sweepMoves } from './tenantMoveJobs.server.ts';
import {
	askForTenantMove,
	beginTenantMove,
	cancelTenantMove,
	holdTenantMove,
	retryTenantMove
} from './tenantMoves.server.ts';

vi.setConfig({ testTimeout: 180_000 });
const platform = await testPlatform();
const fresh = ({ id }: Tenant) => db.tenant.findUniqueOrThrow({ where: { id } });
const planOf = (key: string) => db.plan.findFirstOrThrow({ where: { key, replacedAt: null } });
const placeOf = (id: string) => db.container.findUniqueOrThrow({ where: { id } });

it('goes all six ways with everything that was written on the way', async () => {
	const tenant = await liveTenant('basic', 'viaja');
	const written: string[] = [];
	const ways: Isolation[] = [
		...(['dedicated', 'dedicated_ha', 'dedicated', 'shared', 'dedicated_ha', 'shared'] as const)
	];
	let isolation: Isolation = 'shared';
	for (const [turn, to] of ways.entries()) {
		const inPlace = isolation !== 'shared' && to !== 'shared';
		written.push(`turno-${turn}`);
		work(platform, await vmidOf(tenant), 'viaja', `turno-${turn}`);
		const { row, ...vmids } = await goes(tenant, to);
		expect({ turn, error: row.error, status: row.status, stays: vmids.from === vmids.to }).toEqual({
			...{ turn, error: null, status: inPlace ? 'succeeded' : 'confirming', stays: inPlace }
		});
		expect(await fresh(tenant)).toMatchObject({ status: 'active', isolation: to });
		const page = await platform.open('viaja.sajet.us', '/web/login');
		expect({ turn, status: page.status, shows: page.body.includes('value="viaja"') }).toEqual({
			...{ turn, status: 200, shows: true }
		});
		const there = insideOf(platform, vmids.to, 'viaja')!;
		expect(there.users.map(({ login }) => login)).toEqual(expect.arrayContaining(written));
		expect(Object.keys(there.filestore)).toEqual(
			expect.arrayContaining(written.map((what) => `ab/${what}`))
		);
		isolation = to;
		if (inPlace) continue;
		expect(row.onAirAt!.getTime()).toBeGreaterThan(row.offAirAt!.getTime());
		expect(row.keepUntil).not.toBeNull();
		// One that is open, and the old one that nobody gets into.
		const open = databasesOf(platform, 'viaja').filter(({ reach }) => reach === 'open');
		expect(open).toMatchObject([{ vmid: vmids.to, name: 'viaja', running: true }]);
		const kept = databasesOf(platform, 'viaja').filter(({ vmid }) => vmid === vmids.from);
		expect(kept).toHaveLength(1);
		await confirmed(row.id);
		expect(databasesOf(platform, 'viaja')).toHaveLength(1);
	}
	expect(
		await db.container.count({ where: { hostname: 'viaja.sajet.us', NOT: { status: 'deleted' } } })
	).toBe(0);
	const saved = { tenantId: tenant.id, status: 'succeeded' } as const;
	expect(await db.backup.count({ where: saved })).toBe(4);
});

it('keeps a suspended one suspended and a read-only one read-only, and lets the old one go by itself', async () => {
	const tenant = await liveTenant('basic', 'quieta');
	await transaction((tx) =>
		setReadOnly(tx, tenant, { on: true, reason: 'staff', by: SYSTEM, why: 'prueba' })
	);
	await convergeReadOnly(tenant.id);
	await transaction(async (tx) =>
		suspend(tx, await fresh(tenant), { reason: 'request', by: SYSTEM })
	);
	const fit = await moveFits(db, await fresh(tenant), await planOf('pro'));
	expect(fit.expectedMs).toBeLessThan(60_000);
	expect(fit).toMatchObject({
		...{ fits: true, reasons: [], inPlace: false, targetDiskGb: 50, keepHours: 72 },
		stays: { suspended: true, readOnly: true }
	});
	const { row, from, to } = await goes(tenant, 'dedicated');
	expect(row).toMatchObject({ status: 'confirming', offAirAt: null, onAirAt: null, error: null });
	expect(await fresh(tenant)).toMatchObject({ status: 'suspended' });
	expect((await platform.open('quieta.sajet.us', '/web/login')).status).toBe(503);
	expect(insideOf(platform, to, 'quieta')!.revoked?.res_partner).toContain('UPDATE');
	// Its slot is held for it until it is let go.
	expect(databasesOf(platform, 'quieta').find(({ vmid }) => vmid === from)).toMatchObject({
		...{ reach: 'shut', name: expect.stringMatching(/^quieta__was_[0-9a-f]{12}$/) }
	});
	await sweepMoves();
	expect((await db.tenantMigration.findUniqueOrThrow({ where: { id: row.id } })).status).toBe(
		'confirming'
	);
	await db.tenantMigration.update({ where: { id: row.id }, data: { keepUntil: new Date(0) } });
	await sweepMoves();
	await ended(row.id);
	await moveIs(row, ['succeeded']);
	expect(databasesOf(platform, 'quieta')).toHaveLength(1);
});

it('goes to another node within its kind of place, and stops what it left of its own', async () => {
	const tenant = await liveTenant('pro', 'vecina');
	const node = await nodeBeside(tenant);
	const from = await vmidOf(tenant);
	work(platform, from, 'vecina', 'antes');
	const row = await ended((await move(tenant, { toIsolation: 'dedicated', nodeId: node.id })).id);
	expect(row).toMatchObject({ status: 'confirming', error: null });
	const now = await db.tenant.findUniqueOrThrow({
		where: { id: tenant.id },
		include: { container: true }
	});
	expect(now.container).toMatchObject({ nodeId: node.id, status: 'running' });
	const old = () => databasesOf(platform, 'vecina').find(({ vmid }) => vmid === from);
	await eventually(async () => old()?.running === false, 60);
	expect(old()).toMatchObject({ name: 'vecina', reach: 'held' });
	expect(
		await db.container.findUniqueOrThrow({ where: { id: row.fromContainerId } })
	).toMatchObject({ wantedRunning: false });
	await confirmed(row.id);
	expect(old()).toBeUndefined();
	expect(
		await db.container.findUniqueOrThrow({ where: { id: row.fromContainerId } })
	).toMatchObject({ status: 'deleted' });
	// Once more says nothing new.
	await confirmed(row.id);
});

it('holds room that is paid for later, goes on with it, and gives back what nobody asked for', async () => {
	const tenant = await liveTenant('basic', 'reserva');
	const pro = await planOf('pro');
	const wish = { tenantId: tenant.id, toIsolation: 'dedicated', planId: pro.id } as const;
	const hold = () => transaction((tx) => holdTenantMove(tx, wish, SYSTEM));
	const held = await hold();
	expect((await hold()).id).toBe(held.id);
	const promised = { createdByJobId: held.id, status: 'provisioning', cpuCores: pro.cpuCores };
	expect(
		await db.container.findUniqueOrThrow({ where: { id: held.toContainerId! } })
	).toMatchObject(promised);
	await sweepMoves();
	await db.tenantMigration.update({ where: { id: held.id }, data: { createdAt: new Date(0) } });
	await sweepMoves();
	expect(await db.tenantMigration.findUniqueOrThrow({ where: { id: held.id } })).toMatchObject({
		status: 'cancelled'
	});
	expect(
		await db.container.findUniqueOrThrow({ where: { id: held.toContainerId! } })
	).toMatchObject({ status: 'deleted' });
	const again = await hold();
	const asked = await transaction((tx) => askForTenantMove(tx, wish, SYSTEM));
	expect(asked).toMatchObject({ id: again.id, toContainerId: again.toContainerId });
	expect((await ended(asked.id)).status).toBe('confirming');
	expect(await fresh(tenant)).toMatchObject({ containerId: again.toContainerId });
	const refusal = () => move(tenant, { toIsolation: 'shared' });
	await expect(refusal()).rejects.toMatchObject({ code: 'MOVE_REFUSED', message: 'kept' });
	await confirmed(asked.id);
});

it('waits for its time, is turned back when it is cancelled, and begins anew', async () => {
	const tenant = await liveTenant('basic', 'luego');
	const later = new Date(Date.now() + 3_600_000);
	const planned = await move(tenant, { toIsolation: 'dedicated', notBefore: later });
	expect(planned.status).toBe('planned');
	await eventually(() =>
		db.provisioningJob.findFirst({ where: { id: planned.jobId!, status: 'waiting' } })
	);
	expect(
		await db.emailMessage.count({
			where: { customerId: tenant.customerId, template: 'move_planned' }
		})
	).toBe(1);
	await expect(move(tenant, { toIsolation: 'dedicated' })).rejects.toMatchObject({
		...{ code: 'MOVE_REFUSED', message: 'moving' }
	});
	await transaction((tx) => cancelTenantMove(tx, planned.id, SYSTEM));
	await moveIs(planned, ['cancelled']);
	expect(
		await db.container.findUniqueOrThrow({ where: { id: planned.toContainerId! } })
	).toMatchObject({ status: 'deleted' });
	// Who was told of its time hears that it does not happen.
	const { customerId } = tenant;
	const off = await db.emailMessage.findMany({
		where: { customerId, template: 'move_called_off' }
	});
	expect(off.map(({ data }) => data)).toMatchObject([{ subdomain: 'luego' }]);
	const told = (kind: string) => db.notification.count({ where: { customerId, kind } });
	expect(await told('tenant_move_called_off')).toBe(1);
	await expect(transaction((tx) => beginTenantMove(tx, planned.id, SYSTEM))).rejects.toMatchObject({
		code: 'WRONG_STATE'
	});

	// In the middle: it is off the air already.
	platform.fault({ target: 'ssh', match: 'pg_dump', kind: 'delay', ms: 2_000 });
	const running = await move(tenant, { toIsolation: 'dedicated' });
	await eventually(
		() => db.tenantMigration.findFirst({ where: { id: running.id, offAirAt: { not: null } } }),
		60
	);
	expect((await platform.open('luego.sajet.us', '/web/login')).status).toBe(503);
	await transaction((tx) => cancelTenantMove(tx, running.id, SYSTEM));
	await moveIs(running, ['cancelled']);
	expect(await told('tenant_move_turned_back')).toBe(1);
	expect(await fresh(tenant)).toMatchObject({ status: 'active', isolation: 'shared' });
	expect(databasesOf(platform, 'luego')).toMatchObject([{ name: 'luego', reach: 'open' }]);
	const again = await transaction((tx) => retryTenantMove(tx, running.id, SYSTEM));
	expect((await ended(again.id)).status).toBe('confirming');
	await expect(transaction((tx) => cancelTenantMove(tx, again.id, SYSTEM))).rejects.toMatchObject({
		code: 'WRONG_STATE'
	});
});

it('says before what speaks against it', async () => {
	const tenant = await liveTenant('basic', 'contra');
	const pro = await planOf('pro');
	const reasons = async (plan = pro, where = {}) =>
		(await moveFits(db, await fresh(tenant), plan, where)).reasons;
	expect(await reasons()).toEqual([]);
	expect(await reasons(await planOf('basic'))).toEqual(['same']);
	const { containerId } = await fresh(tenant);
	const container = (data: object) => db.container.update({ where: { id: containerId! }, data });
	await container({ adopted: true });
	expect(await reasons()).toEqual(['adopted']);
	await container({ adopted: false, odooVersion: '17.0' });
	expect(await reasons()).toEqual(['version']);
	await container({ odooVersion: '18.0', status: 'stopped' });
	expect(await reasons()).toEqual(['offline']);
	await container({ status: 'running' });
	await db.usageReading.create({
		data: {
			...{ tenantId: tenant.id, customerId: tenant.customerId, resource: 'disk_gb' },
			...{ used: 40_000, measuredAt: new Date() }
		}
	});
	expect(await moveFits(db, tenant, pro)).toMatchObject({ reasons: ['too_big'], sizeMb: 40_000 });
	await db.usageReading.deleteMany({ where: { tenantId: tenant.id } });
	const huge = { ...pro, ramMb: 4_000_000 };
	expect(await reasons(huge)).toEqual(['no_room']);
	await expect(
		transaction(async (tx) => {
			await tx.plan.update({ where: { id: pro.id }, data: { ramMb: 4_000_000 } });
			return holdTenantMove(
				tx,
				{ tenantId: tenant.id, toIsolation: 'dedicated', planId: pro.id },
				SYSTEM
			);
		})
	).rejects.toMatchObject({ code: 'MOVE_REFUSED', message: 'no_room' });
	await db.backup.create({
		data: {
			...{ tenantId: tenant.id, customerId: tenant.customerId, containerId, kind: 'database' },
			...{ reason: 'manual', nodeId: (await nodeBeside(tenant)).id }
		}
	});
	expect(await reasons()).toEqual(['busy']);
});

it('is turned back where there is no room for what comes, before anybody notices', async () => {
	const tenant = await liveTenant('basic', 'llena');
	const cluster = clusterOf(platform.sandbox.kernel);
	platform.fault({
		...{ target: 'ssh', match: 'df -B1', kind: 'malformed', body: 'Avail\n9000000000\n', times: 1 }
	});
	platform.fault({
		...{ target: 'ssh', match: 'df -B1', kind: 'malformed', body: 'Avail\n1000\n', times: 1 }
	});
	const row = await ended((await move(tenant, { toIsolation: 'dedicated' })).id);
	expect(row).toMatchObject({
		...{ status: 'rolled_back', offAirAt: null },
		error: expect.stringMatching(/^NO_CAPACITY: 1 MB free where \d+ MB are needed$/)
	});
	expect(cluster.state.containers[(await placeOf(row.toContainerId!)).vmid]).toBeUndefined();
	expect(await placeOf(row.toContainerId!)).toMatchObject({ status: 'deleted' });
	const [told] = await db.notification.findMany({
		where: { kind: 'tenant_move_turned_back_staff' }
	});
	// Kept in both languages, and not in the machine's words.
	expect(told!.data).toMatchObject({
		why_es: sentenceOf('NO_CAPACITY', {}, { locale: 'es' }),
		why_en: sentenceOf('NO_CAPACITY', {}, { locale: 'en' })
	});
});
