import { expect, it, vi } from 'vitest';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { LimitAct, Tenant } from '#prisma/generated/client.ts';
import { giveAway } from '../../../tests/setup/buyers.ts';
import { dyingAt, dyingWriting } from '../../../tests/setup/deaths.ts';
import { tenantIs } from '../../../tests/setup/money.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { clusterOf } from '../../sandbox/proxmox/cluster.ts';
import { tellInstances } from '../billing/subscriptionWrite.server.ts';
import { odooIn } from '../infrastructure/containers/odooClient.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { may } from '../plans/may.server.ts';
import { enforceLimits } from './limitActs.server.ts';
import { measureContainer } from './measure.server.ts';
import { convergeReadOnly, setReadOnly, sweepReadOnly } from './readOnly.server.ts';

vi.setConfig({ testTimeout: 120_000 });
const platform = await testPlatform();
const by = SYSTEM;

const fresh = (tenant: Tenant) => db.tenant.findUniqueOrThrow({ where: { id: tenant.id } });
const ask = (tenant: Tenant, on: boolean, reason: 'unpaid' | 'limit' | 'staff' = 'unpaid') =>
	transaction((tx) => setReadOnly(tx, tenant, { on, reason, by }));
const becomes = (tenant: Tenant, readOnly: boolean) =>
	eventually(async () => {
		const row = await fresh(tenant);
		return (row.readOnlyAt !== null) === readOnly && row.readOnlyError === null && row;
	}, 40);

let made = 0;
async function live(): Promise<Tenant> {
	const slug = `lee-${++made}`;
	await giveAway('basic', slug);
	const tenant = await tenantIs(slug, 'active');
	await eventually(() =>
		db.provisioningJob.findFirst({ where: { subjectId: tenant.id, status: 'succeeded' } })
	);
	return tenant;
}

function databaseOf(tenant: Tenant) {
	const { guests } = clusterOf(platform.sandbox.kernel);
	for (const container of Object.values(clusterOf(platform.sandbox.kernel).state.containers)) {
		const database = guests.get(container.vmid)?.databases[tenant.databaseName];
		if (database) return database;
	}
	throw new Error(`no database ${tenant.databaseName}`);
}

/** What a person does in the ERP. */
async function inOdoo<T>(
	tenant: Tenant,
	work: (odoo: Awaited<ReturnType<typeof odooIn>>) => Promise<T>
) {
	const odoo = await odooIn(tenant.containerId!, {});
	try {
		return await work(odoo);
	} finally {
		await odoo.close();
	}
}
const writes = (tenant: Tenant) =>
	inOdoo(tenant, (odoo) =>
		odoo.setParameters(tenant.databaseName, { 'x.y': String(Math.random()) })
	);
const logsIn = async (tenant: Tenant) => {
	const secret = await db.tenantSecret.findUniqueOrThrow({ where: { tenantId: tenant.id } });
	const { decrypt } = await import('#lib/core/crypto.server.ts');
	const { adminContext } = await import('./databaseStep.server.ts');
	const password = decrypt(secret.adminPassword, adminContext(tenant.id));
	return inOdoo(tenant, (odoo) =>
		odoo.authenticate(tenant.databaseName, secret.adminLogin, password)
	);
};

it('takes writing while a reason stands, lets people log in and read, and is undone exactly', async () => {
	const tenant = await live();
	await writes(tenant);
	const before = structuredClone(databaseOf(tenant).revoked ?? {});
	expect(await ask(tenant, true)).toBe(true);
	expect(await ask(tenant, true)).toBe(false);
	await becomes(tenant, true);
	await expect(writes(tenant)).rejects.toMatchObject({ vendor: 'odoo' });
	expect(await logsIn(tenant)).toBe(2);
	const { status } = await platform.open(`${tenant.slug}.sajet.us`, '/web/login');
	expect(status).toBe(200);

	// Another reason keeps it while the first is lifted.
	await ask(tenant, true, 'limit');
	await ask(tenant, false);
	await eventually(async () => (await fresh(tenant)).readOnlyReasons.join() === 'limit');
	await expect(writes(tenant)).rejects.toMatchObject({ vendor: 'odoo' });
	await ask(tenant, false, 'limit');
	await becomes(tenant, false);
	await writes(tenant);
	expect(databaseOf(tenant).revoked ?? {}).toEqual(before);
	const told = await db.auditEntry.findMany({
		where: { subjectId: tenant.id, action: { startsWith: 'tenants.become-' } },
		orderBy: { id: 'asc' },
		select: { action: true }
	});
	expect(told.map(({ action }) => action)).toEqual([
		'tenants.become-read-only',
		'tenants.become-writable'
	]);
});

it('gives back what was there and nothing else, also when it died in the middle of taking it', async () => {
	const tenant = await live();
	databaseOf(tenant).revoked = { res_country: ['DELETE'] };
	// Dies between the intent and the taking, then between the taking and noting it.
	platform.fault({ target: 'ssh', match: 'ON_ERROR_STOP', kind: 'reset', times: 1 });
	platform.fault({ target: 'ssh', match: 'ON_ERROR_STOP', kind: 'reset', when: 'after', times: 1 });
	await ask(tenant, true);
	// The queue waits longer each time; nobody here does.
	await eventually(async () => {
		await convergeReadOnly(tenant.id).catch(() => undefined);
		return (await fresh(tenant)).readOnlyAt;
	}, 60);
	const row = await becomes(tenant, true);
	expect(row.readOnlyLacked).toEqual([['res_country', 'DELETE']]);
	await Promise.allSettled([convergeReadOnly(tenant.id), convergeReadOnly(tenant.id)]);
	await ask(tenant, false);
	await becomes(tenant, false);
	expect(databaseOf(tenant).revoked).toEqual({ res_country: ['DELETE'] });
	expect((await fresh(tenant)).readOnlyLacked).toBeNull();
});

it('ends as it would have when its worker dies at any call or writing', async () => {
	const tenant = await live();
	databaseOf(tenant).revoked = { res_country: ['DELETE'] };
	const { kernel } = platform.sandbox;
	const want = (readOnlyReasons: string[]) =>
		db.tenant.update({ where: { id: tenant.id }, data: { readOnlyReasons } });
	const converge = () => convergeReadOnly(tenant.id);
	// Looking, the taking or giving itself, and reading it back.
	const calls = [
		...[{ when: 'before', skip: 0 } as const, { when: 'after', skip: 1 } as const],
		...[{ when: 'before', skip: 2 } as const, { when: 'after', skip: 2 } as const]
	];
	const ways = calls.map(
		(call) => (work: () => Promise<void>) =>
			dyingAt(kernel, { target: 'ssh', match: 'psql', ...call }, work)
	);
	const writings = [
		'new.read_only_lacked IS NOT NULL AND old.read_only_lacked IS NULL',
		'(new.read_only_at IS NULL) <> (old.read_only_at IS NULL)'
	].map((where) => (work: () => Promise<void>) => dyingWriting('tenant_deployments', where, work));
	let deaths = 0;
	for (const dies of [...ways, ...writings]) {
		await want(['staff']);
		if (await dies(converge)) deaths += 1;
		await converge();
		expect(await fresh(tenant)).toMatchObject({ readOnlyLacked: [['res_country', 'DELETE']] });
		await expect(writes(tenant)).rejects.toMatchObject({ vendor: 'odoo' });
		await want([]);
		if (await dies(converge)) deaths += 1;
		await converge();
		expect(databaseOf(tenant).revoked).toEqual({ res_country: ['DELETE'] });
		expect(await fresh(tenant)).toMatchObject({ readOnlyAt: null, readOnlyLacked: null });
		await writes(tenant);
	}
	// Giving back notes nothing before it begins; every other way meets a death both ways.
	expect(deaths).toBe(2 * (ways.length + writings.length) - 1);
});

it('is found by the sweep when its job was lost', async () => {
	const tenant = await live();
	await db.tenant.update({ where: { id: tenant.id }, data: { readOnlyReasons: ['staff'] } });
	await sweepReadOnly();
	expect((await becomes(tenant, true)).readOnlyReasons).toEqual(['staff']);
	await ask(tenant, false, 'staff');
	await becomes(tenant, false);
});

async function limited(tenant: Tenant, act: LimitAct, amount: number): Promise<void> {
	const plan = await db.plan.findUniqueOrThrow({ where: { id: tenant.planId } });
	const { id: _, createdAt: __, stripeProductId: ___, ...facts } = plan;
	const own = await db.plan.create({
		data: {
			...{ ...facts, stripeDifferences: [], key: `limited-${tenant.slug}` },
			limits: { create: { resource: 'users', amount, graceDays: 3, act } }
		}
	});
	await db.tenant.update({ where: { id: tenant.id }, data: { planId: own.id } });
	await db.subscription.update({
		where: { id: tenant.subscriptionId! },
		data: { planId: own.id }
	});
}

const overSince = (tenant: Tenant, days: number) =>
	db.limitState.updateMany({
		where: { subjectId: tenant.id },
		data: { overSince: after(now(), -days * DAY) }
	});
const subject = (tenant: Tenant) => ({ customerId: tenant.customerId, tenantId: tenant.id });
function addUsers(tenant: Tenant, count: number): void {
	const { users } = databaseOf(tenant);
	const last = users.at(-1)!;
	for (let n = 1; n <= count; n++)
		users.push({ ...last, id: last.id + n, login: `u${n}`, share: false, active: true });
	users.push({ ...last, id: 900, login: 'portal', share: true, active: true });
}

it('measures what an instance uses, tells, waits, acts, and lifts the act by itself', async () => {
	const tenant = await live();
	await limited(tenant, 'read_only', 2);
	expect(await may(db, subject(tenant), 'users')).toMatchObject({
		level: 'unknown',
		allowed: true
	});
	addUsers(tenant, 4);
	await measureContainer(tenant.containerId!);
	expect(await may(db, subject(tenant), 'users')).toMatchObject({
		...{ used: 5, limit: 2, level: 'over' },
		// The days of grace have not passed.
		allowed: true
	});
	expect((await may(db, subject(tenant), 'disk_gb')).used).toBeGreaterThan(30);
	await enforceLimits(tenant.customerId);
	await enforceLimits(tenant.customerId);
	const mails = () =>
		db.emailMessage.findMany({ where: { customerId: tenant.customerId, template: 'limit' } });
	expect(await mails()).toHaveLength(1);
	expect(
		await db.notification.count({
			where: { kind: 'limit_over', data: { path: ['slug'], equals: tenant.slug } }
		})
	).toBe(2);
	expect((await fresh(tenant)).readOnlyReasons).toEqual([]);

	await overSince(tenant, 4);
	await enforceLimits(tenant.customerId);
	await becomes(tenant, true);
	expect(await may(db, subject(tenant), 'users')).toMatchObject({
		...{ allowed: false, reason: 'LIMIT_REACHED' }
	});
	await expect(writes(tenant)).rejects.toMatchObject({ vendor: 'odoo' });

	// A reading of yesterday neither acts nor lifts.
	await db.usageReading.updateMany({
		where: { tenantId: tenant.id },
		data: { used: 1, measuredAt: after(now(), -1.1 * DAY) }
	});
	await enforceLimits(tenant.customerId);
	expect((await fresh(tenant)).readOnlyReasons).toEqual(['limit']);
	databaseOf(tenant).users.splice(3, 4);
	await measureContainer(tenant.containerId!);
	await becomes(tenant, false);
	await eventually(async () => (await mails()).length === 3);
	await writes(tenant);
});

it('lets writing come back at once when the quantity includes more', async () => {
	const tenant = await live();
	await limited(tenant, 'read_only', 2);
	addUsers(tenant, 4);
	await measureContainer(tenant.containerId!);
	await eventually(() => db.limitState.findFirst({ where: { subjectId: tenant.id } }));
	await overSince(tenant, 4);
	await enforceLimits(tenant.customerId);
	await becomes(tenant, true);
	await transaction(async (tx) => {
		const { id } = await tx.subscription.update({
			where: { id: tenant.subscriptionId! },
			data: { quantity: 3 }
		});
		await tellInstances(tx, { id, customerId: tenant.customerId });
	});
	await becomes(tenant, false);
	expect(await may(db, subject(tenant), 'users')).toMatchObject({ used: 5, limit: 6 });
	await writes(tenant);
});

it('suspends for a limit and comes back alone, but leaves another reason alone', async () => {
	const tenant = await live();
	await limited(tenant, 'suspend', 1);
	addUsers(tenant, 3);
	await measureContainer(tenant.containerId!);
	await eventually(() => db.limitState.findFirst({ where: { subjectId: tenant.id } }));
	await overSince(tenant, 4);
	await enforceLimits(tenant.customerId);
	expect(await fresh(tenant)).toMatchObject({ status: 'suspended', suspensionReason: 'limit' });
	await db.planLimit.updateMany({
		where: { planId: (await fresh(tenant)).planId },
		data: { amount: 50 }
	});
	await enforceLimits(tenant.customerId);
	expect(await fresh(tenant)).toMatchObject({ status: 'active', suspensionReason: null });

	await db.tenant.update({
		where: { id: tenant.id },
		data: { status: 'suspended', suspensionReason: 'abuse' }
	});
	await enforceLimits(tenant.customerId);
	expect(await fresh(tenant)).toMatchObject({ status: 'suspended', suspensionReason: 'abuse' });
});
