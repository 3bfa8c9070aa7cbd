import { afterAll, expect, it, vi } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { testMoves } from '../../../tests/setup/moving.ts';
import { testProcesses } from '../../../tests/setup/processes.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { databasesOf, move, moveIs, vmidOf, work } from '../../../tests/setup/tenantMoves.ts';
import type { FaultRequest } from '../../sandbox/kernel/faults.ts';

vi.setConfig({ testTimeout: 240_000 });
const { platform, pve, settled, elsewhere, ask, ended, expectWhole } = await testMoves(6, {
	work: false
});
const processes = await testProcesses();
const began = Date.now();
afterAll(() => {
	const seconds = Math.round((Date.now() - began) / 1000);
	process.stdout.write(`moves over a death of their worker in ${seconds} s\n`);
});

type Held = Pick<FaultRequest, 'target' | 'match' | 'when' | 'only'>;

/** The call is held, before or after its effect, until its worker is dead. @returns whether it came to it */
function hold(call: Held): () => boolean {
	let isHeld = false;
	platform.fault({ ...call, kind: 'timeout', onTaken: () => (isHeld = true) });
	return () => isHeld;
}

/** Of a container's move: what was sent and never answered, and what comes after its transactions. */
const OF_CONTAINER: Record<string, (slug: string, vmid: number, to: string) => Held> = {
	'the backup was sent': (_slug, vmid) => ({
		...{ target: 'proxmox', match: '^POST .*/vzdump', when: 'after' },
		only: (_line, context) => context.includes(`vmid=${vmid}`)
	}),
	'the migration was sent': (_slug, vmid) => ({
		...{ target: 'proxmox', match: `^POST .*/lxc/${vmid}/migrate$`, when: 'after' }
	}),
	'it has arrived': (_slug, vmid, to) => ({
		...{ target: 'ssh', match: `pct exec ${vmid} .*web/health`, when: 'before' },
		only: () => pve.state.containers[vmid]?.node === to
	}),
	'it has switched': (slug, vmid, to) => ({
		...{ target: 'edge', match: '/web/login', when: 'before' },
		only: (_line, context) =>
			context.includes(`${slug}.sajet.us`) &&
			pve.state.containers[vmid]?.node === to &&
			pve.state.containers[vmid].status === 'running'
	})
};

/** Of a move by its database. */
const OF_TENANT: Record<string, (slug: string) => Held> = {
	'the dump was sent': (slug) => ({
		...{ target: 'ssh', match: `pg_dump .*-d ${slug}\\b`, when: 'after' }
	}),
	'the copy has the name': (slug) => ({
		...{ target: 'ssh', match: 'psql', when: 'after' },
		only: (_line, input) => input.includes(`rename to "${slug}"`)
	}),
	'it has switched': (slug) => ({
		...{ target: 'ssh', match: 'psql', when: 'before' },
		only: (_line, input) =>
			input.includes(`"${slug}" with allow_connections true connection limit -1`)
	}),
	'the old one was renamed': (slug) => ({
		...{ target: 'ssh', match: 'psql', when: 'after' },
		only: (_line, input) => input.includes(`rename to "${slug}__`)
	})
};

it('a worker that is killed in moves is followed by one that ends each of them, once', async () => {
	let worker = await processes.start('worker');
	const names = (prefix: string, points: object) =>
		Object.keys(points).map((_, i) => `${prefix}-${i}`);
	const [containers, tenants] = await Promise.all([
		settled('pro', ...names('lleva', OF_CONTAINER)),
		settled('basic', ...names('copia', OF_TENANT))
	]);
	const moved = await Promise.all(
		Object.entries(OF_CONTAINER).map(async ([at, point], i) => {
			const { id, slug, customerId, containerId, container } = containers[i]!;
			const to = await elsewhere(containerId!);
			const vmid = container!.vmid;
			const isHeld = hold(point(slug, vmid, to.name));
			const asked = await ask(containerId!, to.id);
			return { at, id, slug, customerId, vmid, containerId: containerId!, to, isHeld, asked };
		})
	);
	const home = await vmidOf(tenants[0]!);
	const copied = await Promise.all(
		Object.entries(OF_TENANT).map(async ([at, point], i) => {
			const tenant = tenants[i]!;
			work(platform, home, tenant.slug, 'antes');
			const isHeld = hold(point(tenant.slug));
			return { at, tenant, isHeld, asked: await move(tenant, { toIsolation: 'dedicated' }) };
		})
	);
	const all = [...moved, ...copied];
	await eventually(async () => all.every(({ isHeld }) => isHeld()), 100).catch(() => undefined);
	expect(all.filter(({ isHeld }) => !isHeld()).map(({ at }) => at)).toEqual([]);
	await worker.kill();
	worker = await processes.start('worker');

	for (const { at, id, customerId, vmid, containerId, to, asked } of moved) {
		const over = await ended(asked.id, 150);
		expect({ at, status: over.status, error: over.error }).toEqual({
			...{ at, status: 'confirming', error: null }
		});
		await expectWhole(containerId);
		expect(pve.state.containers[vmid]!.node).toBe(to.name);
		const migrations = pve.state.tasks.filter(
			(task) => task.type === 'vzmigrate' && task.id === String(vmid)
		);
		expect({ at, migrations: migrations.length }).toEqual({ at, migrations: 1 });
		const audited = { action: 'infrastructure.container-moved', subjectId: containerId };
		expect(await db.auditEntry.count({ where: audited })).toBe(1);
		expect(over.migrations.map(({ status }) => status)).toEqual(['succeeded']);
		expect(await db.tenantOutage.count({ where: { tenantId: id } })).toBe(1);
		expect(await db.emailMessage.count({ where: { customerId, template: 'moved' } })).toBe(1);
		expect(await db.provisioningJob.count({ where: { subjectId: containerId } })).toBe(1);
	}
	for (const { at, tenant, asked } of copied) {
		const row = await moveIs(asked, ['confirming', 'rolled_back', 'failed'], 150);
		expect({ at, status: row.status, error: row.error }).toEqual({
			...{ at, status: 'confirming', error: null }
		});
		const there = await vmidOf(tenant);
		const found = databasesOf(platform, tenant.slug);
		expect({ at, open: found.filter(({ reach }) => reach === 'open') }).toMatchObject({
			open: [{ vmid: there, name: tenant.slug }]
		});
		expect(found.filter(({ reach }) => reach !== 'open')).toMatchObject([
			{ vmid: home, reach: 'shut' }
		]);
		const inside = pve.guests.get(there)!.databases[tenant.slug]!;
		expect(inside.users.map(({ login }) => login)).toContain('antes');
		const page = await platform.open(`${tenant.slug}.sajet.us`, '/web/login');
		expect(page.body).toContain(`value="${tenant.slug}"`);
		const switched = { action: 'tenants.move-switched', subjectId: tenant.id };
		expect(await db.auditEntry.count({ where: switched })).toBe(1);
		const { id: tenantId, customerId } = tenant;
		expect(await db.emailMessage.count({ where: { customerId, template: 'moved' } })).toBe(1);
		expect(await db.tenantMigration.count({ where: { tenantId } })).toBe(1);
	}
	expect(await db.cleanupItem.count({ where: { status: 'open' } })).toBe(0);
	await worker.kill();
});
