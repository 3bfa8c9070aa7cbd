/** An instance whose databases are on a server of their own, from its set-up to its end. */
import { expect, it, vi } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { roleFor } from '#lib/infrastructure/postgres/names.ts';
import { confirmMove } from '#lib/provisioning/moves/containers/moves.server.ts';
import type { Tenant } from '#prisma/generated/client.ts';
import { BY } from '../../../tests/setup/containerActs.ts';
import {
	askForServer,
	choose,
	made,
	odooOnly,
	onServer
} from '../../../tests/setup/databaseServers.ts';
import { testMoves } from '../../../tests/setup/moving.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { confirmed, databasesOf, ended, goes, move } from '../../../tests/setup/tenantMoves.ts';
import { requestDeletion } from './tenants.server.ts';

vi.setConfig({ testTimeout: 180_000 });
const world = await testMoves(3);
const { platform, pve, settled, until, elsewhere, ask, expectWhole } = world;
const fresh = ({ id }: { id: string }) => db.tenant.findUniqueOrThrow({ where: { id } });
const containerOf = async (tenant: Tenant | { id: string }) =>
	db.container.findUniqueOrThrow({ where: { id: (await fresh(tenant)).containerId! } });

/** The template that was there before has everything in it. */
const enrolled = await db.template.findFirstOrThrow({ where: { current: true } });
const server = await made(await askForServer({ ram_mb: '8192', disk_gb: '100' }), 'succeeded');
const separate = await odooOnly();
await choose(separate);
const there = () => onServer(pve, server.vmid);

/** A row and a file that were not there before. */
function work(vmid: number, name: string, what: string): void {
	const database = pve.guests.get(vmid)!.databases[name]!;
	database.users.push({
		...{ id: 100 + database.users.length, login: what, name: what, email: `${what}@example.com` },
		...{ lang: database.lang, active: true, password: '' }
	});
	database.filestore[`ab/${what}`] = Buffer.from(`file of ${what}`).toString('base64');
}

async function answers(slug: string): Promise<void> {
	const page = await platform.open(`${slug}.sajet.us`, '/web/login');
	expect({ status: page.status, shows: page.body.includes(`value="${slug}"`) }).toEqual({
		...{ status: 200, shows: true }
	});
}

/** Its days of grace are over. */
async function deleted(tenant: { id: string; slug: string }): Promise<void> {
	await transaction(async (tx) => requestDeletion(tx, await fresh(tenant), { by: BY }));
	await db.tenant.update({ where: { id: tenant.id }, data: { deleteAfter: new Date(0) } });
	const run = await db.provisioningJob.findFirstOrThrow({
		where: { subjectId: tenant.id, saga: 'tenants.delete' }
	});
	await transaction((tx) => wakeSaga(tx, run.id));
	await until(tenant.slug, 'deleted');
}

it('is set up, saved, moved with its container and by its database in every direction, and deleted without a trace', async () => {
	const [tenant] = await settled('pro', 'lejos');
	const first = await containerOf(tenant!);
	expect(first).toMatchObject({ postgresContainerId: server.id, postgresRole: roleFor(first.id) });
	expect(there().owned(roleFor(first.id))).toContain('lejos');
	expect(Object.keys(pve.guests.get(first.vmid)!.databases)).toEqual([]);
	await answers('lejos');

	// With its container: the address stays, and so does everything that leads to the databases.
	const asked = await ask(first.id, (await elsewhere(first.id)).id);
	const moved = await world.ended(asked.id);
	expect(moved).toMatchObject({ status: 'confirming', error: null });
	await expectWhole(first.id);
	expect(await containerOf(tenant!)).toMatchObject({ ipAddress: first.ipAddress });
	await transaction((tx) => confirmMove(tx, asked.id, BY));
	await eventually(async () => (await world.ended(asked.id))?.status === 'succeeded');

	// By its database: on one server, off it, and back on it.
	const written: string[] = [];
	const ways = [
		{ to: 'shared', template: separate, isFar: true },
		{ to: 'dedicated', template: enrolled.id, isFar: false },
		{ to: 'shared', template: separate, isFar: true }
	] as const;
	for (const [turn, { to, template, isFar }] of ways.entries()) {
		const from = await containerOf(tenant!);
		written.push(`turno-${turn}`);
		const holder = from.postgresContainerId ? server.vmid : from.vmid;
		work(holder, 'lejos', `turno-${turn}`);
		await choose(template);
		const { row } = await goes(await fresh(tenant!), to);
		expect({ turn, status: row.status, error: row.error }).toEqual({
			...{ turn, status: 'confirming', error: null }
		});
		const now = await containerOf(tenant!);
		expect(now.postgresContainerId).toBe(isFar ? server.id : null);
		await answers('lejos');
		const open = databasesOf(platform, 'lejos').filter(({ reach }) => reach === 'open');
		expect(open).toMatchObject([{ vmid: isFar ? server.vmid : now.vmid, name: 'lejos' }]);
		const database = pve.guests.get(open[0]!.vmid)!.databases.lejos!;
		expect(database.owner ?? 'odoo').toBe(isFar ? roleFor(now.id) : 'odoo');
		expect(database.users.map(({ login }) => login)).toEqual(expect.arrayContaining(written));
		expect(Object.keys(database.filestore)).toEqual(
			expect.arrayContaining(written.map((what) => `ab/${what}`))
		);
		await confirmed(row.id);
		expect(databasesOf(platform, 'lejos')).toHaveLength(1);
		// A container of its own took its role along.
		if (from.purpose === 'odoo') expect(there().roles).not.toContain(roleFor(from.id));
		for (const guest of [server.vmid, from.vmid, now.vmid])
			expect(Object.keys(pve.guests.get(guest)?.files ?? {}).join()).not.toContain('/moves/');
	}
	expect(await db.backup.count({ where: { tenantId: tenant!.id, status: 'succeeded' } })).toBe(3);

	const last = await containerOf(tenant!);
	await deleted(tenant!);
	const saved = { tenantId: tenant!.id, reason: 'deletion' };
	expect(await db.backup.findFirst({ where: saved })).toMatchObject({
		status: 'succeeded',
		kind: 'database'
	});
	expect(databasesOf(platform, 'lejos')).toEqual([]);
	// The container that others may live in stays, with its role and its templates.
	expect(there().roles).toEqual([roleFor(last.id)]);
	expect(there().all.every((name) => name.startsWith('tpl_18_'))).toBe(true);
});

it('a dedicated one that is deleted takes its role along', async () => {
	await choose(separate);
	const [tenant] = await settled('pro', 'propia');
	const role = roleFor((await containerOf(tenant!)).id);
	expect(there().roles).toContain(role);
	await deleted(tenant!);
	expect(there().roles).not.toContain(role);
	expect(there().owned(role)).toEqual([]);
	expect(
		await db.containerSecret.count({ where: { container: { hostname: 'propia.sajet.us' } } })
	).toBe(0);
});

it.each([
	['the copy cannot take the name', 'rename to "NAME"'],
	['the old one cannot leave it', 'rename to "NAME__was_']
])('on one server, %s: it is turned back whole', async (_name, sql) => {
	await choose(separate);
	const slug = sql.includes('was') ? 'vuelve-b' : 'vuelve-a';
	const [tenant] = await settled('basic', slug);
	const before = await containerOf(tenant!);
	platform.fault({
		...{ target: 'ssh', match: 'psql', kind: 'status', status: 1, times: 99 },
		// Only while it goes there: what gives the name back says the same, from the other name.
		only: (_line, input) =>
			input.includes(sql.replace('NAME', slug)) &&
			!input.startsWith(`alter database "${slug}__was_`)
	});
	const row = await ended((await move(await fresh(tenant!), { toIsolation: 'dedicated' })).id);
	platform.sandbox.kernel.faults.clear();
	expect(row).toMatchObject({ status: 'rolled_back', onAirAt: expect.any(Date) });
	expect(await fresh(tenant!)).toMatchObject({ status: 'active', containerId: before.id });
	expect(databasesOf(platform, slug)).toMatchObject([{ name: slug, reach: 'open' }]);
	expect(there().owned(roleFor(before.id))).toContain(slug);
	expect(there().roles).not.toContain(roleFor(row.toContainerId!));
	await answers(slug);
});
