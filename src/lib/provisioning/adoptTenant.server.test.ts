import { expect, it, vi } from 'vitest';
import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { aSubscription } from '../../../tests/factories/billing.ts';
import { createCompany } from '../../../tests/factories/identity.ts';
import { joinNode, refusal } from '../../../tests/setup/enrolment.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { clusterOf } from '../../sandbox/proxmox/cluster.ts';
import { adoptGuest, readGuest } from '../infrastructure/containers/adoption.server.ts';
import { enrolNode } from '../infrastructure/nodes/enrol.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { adoptForm } from './adoptForms.ts';
import { adoptTenant } from './adoptTenant.server.ts';
import { adoptedDatabases } from './adoptedDatabases.server.ts';
import { applyPlan, growthFits } from './applyPlan.server.ts';
import { setReadOnly } from './readOnly.server.ts';
import { nameState } from './reservations.server.ts';
import { requestDeletion, suspend } from './tenants.server.ts';
import { probeAll } from './uptime/probe.server.ts';

vi.setConfig({ testTimeout: 120_000 });
const { sandbox } = await testPlatform();
const pve = clusterOf(sandbox.kernel);
const by = SYSTEM;
const customer = await createCompany('El Cafetal');
const containerId = await anAdoptedOdoo();

/** The Odoo that was on the fourth node before the node was ours. */
async function anAdoptedOdoo(): Promise<string> {
	const { proxmox, ssh } = await joinNode(sandbox);
	const { id: clusterId } = await db.cluster.findUniqueOrThrow({ where: { name: 'jeturing' } });
	await transaction((tx) =>
		enrolNode(tx, clusterId, {
			...{ name: 'pve4', hostname: 'pve4', apiUrl: proxmox.url, apiToken: proxmox.token },
			...{ apiFingerprint: proxmox.fingerprint, sshHost: ssh.host, sshPort: ssh.port },
			...{ sshUser: ssh.user, sshHostKey: ssh.host_key },
			capacity: { cpuCores: 16, ramMb: 65_536, diskGb: 750 }
		})
	);
	const guest = await readGuest(clusterId, 700);
	const { id } = await transaction((tx) => adoptGuest(tx, guest, 'odoo', { by }));
	await eventually(async () => (await adoptedDatabases(db, id)).databases.length > 0);
	return id;
}

const typed = {
	database: 'cafetal',
	email: customer.email.toUpperCase(),
	plan: 'pro',
	subdomain: 'cafetal'
};
const link = (other: object = {}) =>
	transaction((tx) =>
		adoptTenant(tx, containerId, adoptForm.parse({ ...typed, ...other }), { by })
	);
const refused = async (promise: Promise<unknown>) => {
	const { code, fields } = await refusal(promise);
	return Object.keys(fields ?? { [code]: '' });
};
const inside = () => structuredClone(pve.guests.get(700));
/** Changes that anybody was asked for. */
const changes = () =>
	sandbox.kernel.calls.list({}).filter(({ line }) => /^(POST|PUT|PATCH|DELETE) /.test(line)).length;

it('suggests names and says what is not right beside its field', async () => {
	const { databases, odooVersion } = await adoptedDatabases(db, containerId);
	expect(odooVersion).toBe('18.0');
	expect(databases.map(({ name, suggestion, tenant }) => [name, suggestion, tenant])).toEqual([
		['cafetal', 'cafetal', null],
		['cafetal_pruebas', 'cafetal-pruebas', null]
	]);
	expect(await refused(link({ email: 'nobody@example.com' }))).toEqual(['email']);
	expect(await refused(link({ plan: 'unknown' }))).toEqual(['plan']);
	expect(await refused(link({ plan: 'enterprise' }))).toEqual(['plan']);
	expect(await refused(link({ database: 'other' }))).toEqual(['database']);
	expect(await refused(link({ subscription: 'existing' }))).toEqual(['subscription']);
	expect(adoptForm.safeParse({ ...typed, subdomain: 'admin' }).success).toBe(false);
	expect(await db.tenant.count()).toBe(0);
	expect(await nameState(db, 'cafetal')).toBe('free');
});

it('makes a database an active instance and touches nothing', async () => {
	const plan = await db.plan.findFirstOrThrow({ where: { key: 'pro', replacedAt: null } });
	const subscription = await aSubscription({ customerId: customer.id, planId: plan.id });
	const [before, asked] = [inside(), changes()];
	const tenant = await link({ subscription: 'existing' });
	expect(tenant).toMatchObject({
		...{ status: 'active', published: false, slug: 'cafetal', databaseName: 'cafetal' },
		...{ subscriptionId: subscription.id, isolation: 'dedicated', containerId }
	});
	expect(await nameState(db, 'cafetal')).toBe('taken');
	expect(await refused(link({ subdomain: 'cafetal-2' }))).toEqual(['database']);
	expect(await refused(link({ database: 'cafetal_pruebas' }))).toEqual(['subdomain']);
	expect(
		await refused(
			link({ database: 'cafetal_pruebas', subdomain: 'pruebas', subscription: 'existing' })
		)
	).toEqual(['subscription']);

	// Nobody reaches it by a name of ours, so that nobody looks.
	await probeAll();
	expect(await db.tenant.findUniqueOrThrow({ where: { id: tenant.id } })).toMatchObject({
		status: 'active',
		probeMisses: 0
	});
	// Its plan is what is paid, not what the container is made to have.
	expect(await growthFits(db, tenant, plan)).toMatchObject({ fits: true, container: null });
	await applyPlan(tenant.id);
	const act = { on: true, by: SYSTEM };
	expect(await transaction((tx) => setReadOnly(tx, tenant, { ...act, reason: 'unpaid' }))).toBe(
		false
	);
	expect(await db.container.findUniqueOrThrow({ where: { id: containerId } })).toMatchObject({
		cpuCores: 4,
		ramMb: 4096,
		diskGb: 40
	});
	expect(inside()).toEqual(before);
	expect(changes()).toBe(asked);
});

it('is deleted in the books alone: container and database stay', async () => {
	const tenant = await db.tenant.findFirstOrThrow({ where: { slug: 'cafetal' } });
	await transaction((tx) => suspend(tx, tenant, { reason: 'request', by }));
	const suspended = await db.tenant.findFirstOrThrow({ where: { slug: 'cafetal' } });
	await transaction((tx) => requestDeletion(tx, suspended, { by }));
	const before = inside();
	const run = () => db.provisioningJob.findFirstOrThrow({ where: { subjectId: tenant.id } });
	await eventually(async () => (await run()).status === 'waiting');
	await db.tenant.update({
		where: { id: tenant.id },
		data: { deleteAfter: after(now(), -MINUTE) }
	});
	const { id } = await run();
	await transaction((tx) => wakeSaga(tx, id));
	await eventually(async () => (await run()).status === 'succeeded', 60);
	expect(await db.tenant.findUniqueOrThrow({ where: { id: tenant.id } })).toMatchObject({
		status: 'deleted',
		containerId: null
	});
	expect(await db.container.findUniqueOrThrow({ where: { id: containerId } })).toMatchObject({
		status: 'running',
		retiring: false
	});
	expect(inside()).toEqual(before);
	expect(pve.state.containers['700']).toMatchObject({ status: 'running', node: 'pve4' });
	expect(await nameState(db, 'cafetal')).toBe('free');
	// It can be linked again.
	expect(await link()).toMatchObject({ status: 'active', subscriptionId: null });
});
