process.env.DATABASE_POOL_SIZE = '16';
import { afterAll, describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import type { Container, Tenant, TenantMigration } from '#prisma/generated/client.ts';
import { giveAway, makeRoom } from '../../../../../tests/setup/buyers.ts';
import { beImpatient } from '../../../../../tests/setup/impatience.ts';
import { testPlatform } from '../../../../../tests/setup/platform.ts';
import { eventually } from '../../../../../tests/setup/queue.ts';
import {
	databasesOf,
	liveTenant,
	move,
	moveIs,
	readyTenant,
	work
} from '../../../../../tests/setup/tenantMoves.ts';
import { MOVE_FAULTS, type MoveFault } from '../../../../../tests/setup/tenantMoveFaults.ts';
import { clusterOf } from '../../../../sandbox/proxmox/cluster.ts';
import { retryCleanup } from '../../cleanup.server.ts';
import { downPatience } from './tenantMoveCopy.server.ts';
import { tenantMoveSaga } from './tenantMove.server.ts';
import { retryTenantMove } from './tenantMoves.server.ts';

const platform = await testPlatform();
beImpatient();
downPatience.seconds = 0.2;
await makeRoom(platform, 200);
const { kernel } = platform.sandbox;
const cluster = clusterOf(kernel);

/** What a case has come to. */
interface Row extends MoveFault {
	slug: string;
	tenant: Tenant;
	migration: TenantMigration | null;
	struck: number;
	over: boolean;
}
const rows: Row[] = [];
const undoing = new Set<string>();
const doubles = watch();

const first = await liveTenant('basic', 'primera');
const home = await containerOf(first);
const beside = await db.node.findFirstOrThrow({ where: { id: { not: home.nodeId } } });
// The variable FAULTS narrows them to those whose name it matches.
const wanted = new RegExp(process.env.FAULTS ?? '');
for (const [index, one] of MOVE_FAULTS.filter(({ name }) => wanted.test(name)).entries()) {
	const slug = `falla-${String(index).padStart(2, '0')}`;
	rows.push({ ...one, slug, tenant: first, migration: null, struck: 0, over: false });
}
const jobs: string[] = [];
for (const { slug } of rows) jobs.push((await giveAway('basic', slug)).jobId);
for (const [index, row] of rows.entries()) {
	row.tenant = await readyTenant(row.slug, jobs[index]!);
	work(platform, home.vmid, row.slug, 'antes');
	arm(row);
}
const [targetDies, sourceDies] = [
	await liveTenant('basic', 'muere-destino'),
	await liveTenant('pro', 'muere-origen')
];
// Makes the container over there, so that none of them waits for it.
const there = await (async () => {
	await moveIs(await move(first, { toIsolation: 'shared', nodeId: beside.id }), ['confirming']);
	return containerOf(first);
})();
const started = Date.now();
observe();
for (const row of rows)
	row.migration = await move(row.tenant, { toIsolation: 'shared', nodeId: beside.id });

afterAll(() => {
	const seconds = Math.round((Date.now() - started) / 1000);
	process.stdout.write(`${rows.length} faults of moves by database in ${seconds} s\n`);
});

describe('whatever fails in the move of an instance by its database', { timeout: 200_000 }, () => {
	it.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
		const { id } = row.migration!;
		const all = ['confirming', 'failed', 'rolled_back', 'cancelled', 'succeeded'] as const;
		let seen = await moveIs({ id }, [...all], 150);
		const why = seen.status === row.ends ? '' : `${seen.error} ${await history(seen)}`;
		expect({ status: seen.status, struck: row.struck > 0, why }).toEqual({
			...{ status: row.ends, struck: true, why: '' }
		});
		row.over = true;
		if (row.ends === 'failed') {
			await transaction((tx) => retryTenantMove(tx, id, SYSTEM));
			seen = await moveIs({ id }, ['confirming', 'failed', 'rolled_back']);
			expect(seen).toMatchObject({ status: 'confirming', error: null });
		}
		const gone = seen.status === 'confirming';
		const vmid = gone ? there.vmid : home.vmid;
		const found = databasesOf(platform, row.slug);
		expect(found.filter(({ reach }) => reach === 'open')).toEqual([
			{ vmid, name: row.slug, reach: 'open', running: true }
		]);
		expect(found.filter(({ reach }) => reach !== 'open')).toMatchObject(
			gone ? [{ vmid: home.vmid, reach: 'shut' }] : []
		);
		const inside = cluster.guests.get(vmid)!.databases[row.slug]!;
		expect(inside.users.map(({ login }) => login)).toContain('antes');
		expect(inside.filestore['ab/antes']).toBeDefined();
		expect(filesOf(seen.jobId!)).toEqual([]);
		const tenant = await db.tenant.findUniqueOrThrow({ where: { id: row.tenant.id } });
		expect(tenant).toMatchObject({ status: 'active', containerId: gone ? there.id : home.id });
		const page = await platform.open(`${row.slug}.sajet.us`, '/web/login');
		expect({ status: page.status, own: page.body.includes(`value="${row.slug}"`) }).toEqual({
			...{ status: 200, own: true }
		});
	});

	it('and never two could be written at once, nor was anything left behind', async () => {
		expect(doubles).toEqual([]);
		expect(await db.cleanupItem.count({ where: { status: 'open' } })).toBe(0);
	});

	it('a target that dies in the middle costs the instance nothing, and is cleared when it is back', async () => {
		const tenant = targetDies;
		kernel.faults.add({
			...{ target: 'ssh', match: 'pg_restore', kind: 'status', times: 1 },
			onTaken: () => cluster.setOnline(beside.name, false)
		});
		const asked = await move(tenant, { toIsolation: 'dedicated', nodeId: beside.id });
		expect((await moveIs(asked, ['rolled_back', 'failed', 'confirming'], 100)).status).toBe(
			'rolled_back'
		);
		expect(
			databasesOf(platform, 'muere-destino').filter(({ reach }) => reach === 'open')
		).toMatchObject([{ vmid: home.vmid, running: true }]);
		expect((await platform.open('muere-destino.sajet.us', '/web/login')).status).toBe(200);
		cluster.setOnline(beside.name, true);
		await eventually(async () => {
			await retryCleanup();
			return (await db.cleanupItem.count({ where: { status: 'open' } })) === 0;
		}, 60);
		expect(databasesOf(platform, 'muere-destino')).toHaveLength(1);
		expect(
			await db.container.findUniqueOrThrow({ where: { id: asked.toContainerId! } })
		).toMatchObject({ status: 'deleted' });
	});

	it('a source that dies in the middle gives its instance back when it is there again', async () => {
		const tenant = sourceDies;
		const own = await containerOf(tenant);
		const node = await db.node.findUniqueOrThrow({ where: { id: own.nodeId } });
		const other = await db.node.findFirstOrThrow({ where: { id: { not: own.nodeId } } });
		kernel.faults.add({
			...{ target: 'ssh', match: 'pg_dump', kind: 'status', times: 1 },
			onTaken: () => cluster.setOnline(node.name, false)
		});
		const asked = await move(tenant, { toIsolation: 'dedicated', nodeId: other.id });
		await eventually(
			() => db.provisioningJob.findFirst({ where: { id: asked.jobId!, status: 'compensating' } }),
			100
		);
		cluster.setOnline(node.name, true);
		expect((await moveIs(asked, ['rolled_back', 'failed', 'confirming'], 100)).status).toBe(
			'rolled_back'
		);
		await eventually(async () => {
			await retryCleanup();
			return (await db.cleanupItem.count({ where: { status: 'open' } })) === 0;
		}, 60);
		await eventually(
			async () => (await platform.open('muere-origen.sajet.us', '/web/login')).status === 200
		);
		expect(databasesOf(platform, 'muere-origen')).toMatchObject([
			{ vmid: own.vmid, reach: 'open' }
		]);
	});
});

async function containerOf({ id }: { id: string }): Promise<Container> {
	const found = await db.tenant.findUniqueOrThrow({ where: { id }, include: { container: true } });
	return found.container!;
}

function arm(row: Row): void {
	const { kind, body, times = 1_000_000, call, dies } = row;
	kernel.faults.add({
		...{ target: 'ssh', match: '', kind, times, when: dies ? 'after' : 'before' },
		...(body !== undefined && { body }),
		only: (line, input) => {
			const id = row.migration?.jobId;
			const own = line.includes(row.slug) || input.includes(row.slug) || (id && line.includes(id));
			return (
				!row.over && !undoing.has(row.tenant.id) && Boolean(own) && call.is(line, input, row.slug)
			);
		},
		onTaken: () => {
			row.struck += 1;
			if (dies) void die(row.migration!.jobId!);
		}
	});
}

/** Whoever has the run has it no more: what it writes from here on is void, and another worker begins where the rows say. */
async function die(jobId: string): Promise<void> {
	await transaction(async (tx) => {
		await tx.provisioningJob.updateMany({
			where: { id: jobId },
			data: { claim: { increment: 1 } }
		});
		await wakeSaga(tx, jobId);
	});
}

function observe(): void {
	const { onCompensating } = tenantMoveSaga;
	tenantMoveSaga.onCompensating = async (tx, run, reason) => {
		undoing.add(run.subjectId);
		await onCompensating?.(tx, run, reason);
	};
}

/** Looks all the time whether there are two of one that can be written. */
function watch(): string[] {
	const seen: string[] = [];
	const timer = setInterval(() => {
		for (const { slug } of rows) {
			const open = databasesOf(platform, slug).filter(
				({ reach, running }) => reach === 'open' && running
			);
			if (open.length > 1) seen.push(`${slug} in ${open.map(({ vmid }) => vmid).join(' and ')}`);
		}
	}, 100);
	afterAll(() => clearInterval(timer));
	return seen;
}

/** Packed files of a run, in whatever container. */
function filesOf(jobId: string): string[] {
	return Object.values(cluster.state.containers).flatMap(({ vmid }) =>
		Object.keys(cluster.guests.get(vmid)?.files ?? {}).filter((path) => path.includes(jobId))
	);
}

async function history({ jobId }: TenantMigration): Promise<string> {
	const log = await db.logEntry.findMany({
		where: { jobId: jobId ?? undefined, level: { in: ['warning', 'error'] } },
		orderBy: { id: 'asc' }
	});
	return log.map(({ stepName, message }) => `${stepName}: ${message}`).join(' | ');
}
