import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { DAY, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { ensureContainer } from '#lib/infrastructure/containers/containers.server.ts';
import { odooIn } from '#lib/infrastructure/containers/odooClient.server.ts';
import type { Isolation } from '#prisma/generated/enums.ts';
import { placeTenant, testContainers, type Placed } from '../../../tests/setup/containers.ts';
import { requestBackup, runBackup, takeLastBackup, type BackupProgress } from './backups.server.ts';
import './jobs.server.ts';
import { purgeBackups } from './purge.server.ts';

const { sandbox, pve, guests, changes } = await testContainers({ work: false });
const signal = new AbortController().signal;

beforeEach(async () => {
	setClockOffset(0);
	sandbox.kernel.faults.clear();
	sandbox.kernel.calls.clear();
	sandbox.kernel.speed = 0;
	pve.state.backups = [];
	for (const { vmid } of guests()) delete pve.state.containers[vmid];
	await db.backup.deleteMany();
	await db.tenant.deleteMany();
	await db.ipAddress.deleteMany();
	await db.container.deleteMany({ where: { purpose: { not: 'template' } } });
});

/** A tenant with its container, and for a shared one its database. */
async function installed(isolation: Isolation): Promise<Placed> {
	const placed = await placeTenant(isolation);
	await ensureContainer(placed.run, placed.place.containerId);
	const { databaseName } = await db.tenant.findUniqueOrThrow({ where: { id: placed.tenantId } });
	const odoo = await odooIn(placed.place.containerId, placed.run.trace);
	await odoo.duplicateTemplate('tpl_18_es', databaseName);
	await odoo.close();
	return placed;
}

async function taken({ run, tenantId }: Placed): Promise<BackupProgress & { ready: true }> {
	for (let looks = 0; looks < 20; looks++) {
		const progress = await takeLastBackup(run, tenantId);
		if (progress.ready) return progress;
		sandbox.kernel.speed = 0;
	}
	throw new Error('the backup does not end');
}
const row = (id: string) => db.backup.findUniqueOrThrow({ where: { id } });
const vzdumps = () => changes().filter((line) => line.includes('/vzdump'));

describe('a container of its own', () => {
	it('is saved whole; size and digest are those of the archive in the storage', async () => {
		const placed = await installed('dedicated');
		const { backupId, purgeAfter } = await taken(placed);
		const [archive] = pve.state.backups;
		const bytes = Buffer.from(archive!.content, 'base64');
		expect(await row(backupId)).toMatchObject({
			kind: 'container',
			reason: 'deletion',
			status: 'succeeded',
			location: archive!.volid,
			sizeBytes: BigInt(bytes.length),
			sha256: createHash('sha256').update(bytes).digest('hex'),
			verifiedAt: expect.any(Date),
			purgeAfter
		});
		expect(purgeAfter!.getTime()).toBeGreaterThan(Date.now() + 29 * DAY);
	});

	it('is saved once per run, however often the step is begun', async () => {
		const placed = await installed('dedicated');
		const first = await taken(placed);
		expect((await taken(placed)).backupId).toBe(first.backupId);
		expect(pve.state.backups).toHaveLength(1);
	});

	it('is found by its note after the answer was lost', async () => {
		const placed = await installed('dedicated');
		sandbox.kernel.faults.add({
			target: 'proxmox',
			match: 'POST .*/vzdump',
			kind: 'reset',
			when: 'after'
		});
		await taken(placed);
		expect(vzdumps()).toHaveLength(1);
		expect(pve.state.backups).toHaveLength(1);
		expect(await db.backup.findMany()).toMatchObject([{ status: 'succeeded' }]);
	});

	it('takes longer than a look: the next one goes on with the same task', async () => {
		const placed = await installed('dedicated');
		// Longer than one look has patience for.
		sandbox.kernel.speed = 0.6;
		const progress = await takeLastBackup(placed.run, placed.tenantId);
		expect(progress).toMatchObject({ ready: false, wait: expect.any(Number) });
		await taken(placed);
		expect(vzdumps()).toHaveLength(1);
	}, 40_000);

	it.each([
		[
			'the task fails',
			{ match: 'TASK vzdump', kind: 'status' as const, body: 'job errors' },
			'job errors'
		],
		['Proxmox refuses', { match: 'POST .*/vzdump', kind: 'status' as const, status: 500 }, '']
	])(
		'fails when %s, as a row with the reason, and can be tried again',
		async (_what, fault, reason) => {
			const placed = await installed('dedicated');
			sandbox.kernel.faults.add({ target: 'proxmox', ...fault });
			await expect(takeLastBackup(placed.run, placed.tenantId)).rejects.toThrow(reason);
			const failed = await db.backup.findFirstOrThrow();
			expect(failed).toMatchObject({ status: 'failed', finishedAt: expect.any(Date) });
			expect(failed.error).toContain(reason);
			expect(failed.sha256).toBeNull();
			await taken(placed);
			expect(await db.backup.count({ where: { status: 'succeeded' } })).toBe(1);
		}
	);

	it('fails when the archive cannot be read back', async () => {
		const placed = await installed('dedicated');
		sandbox.kernel.faults.add({
			target: 'ssh',
			match: 'sha256sum',
			kind: 'status',
			status: 1,
			body: 'sha256sum: Input/output error'
		});
		await expect(takeLastBackup(placed.run, placed.tenantId)).rejects.toThrow('Input/output error');
		expect(await db.backup.findFirst()).toMatchObject({ status: 'failed', verifiedAt: null });
	});
});

describe('a database in a shared container', () => {
	it('is dumped with its files; size and digest are those of the file', async () => {
		const placed = await installed('shared');
		const { backupId } = await taken(placed);
		const backup = await row(backupId);
		const file = pve.guests.get(placed.place.vmid)!.files[backup.location!]!;
		const bytes = Buffer.from(file, 'base64');
		expect(backup).toMatchObject({
			kind: 'database',
			status: 'succeeded',
			sizeBytes: BigInt(bytes.length),
			sha256: createHash('sha256').update(bytes).digest('hex')
		});
		expect(vzdumps()).toEqual([]);
	});

	it('that is not there is a failed row', async () => {
		const placed = await installed('shared');
		await db.tenant.update({ where: { id: placed.tenantId }, data: { databaseName: 'gone' } });
		await expect(takeLastBackup(placed.run, placed.tenantId)).rejects.toThrow();
		expect(await db.backup.findFirst()).toMatchObject({
			status: 'failed',
			error: expect.stringContaining('gone')
		});
	});
});

describe('a backup that is asked for', () => {
	it('is queued once and taken by its job', async () => {
		const placed = await installed('dedicated');
		const id = await transaction((tx) => requestBackup(tx, placed.tenantId, 'manual'));
		await expect(transaction((tx) => requestBackup(tx, placed.tenantId, 'manual'))).rejects.toThrow(
			'ALREADY_RUNNING'
		);
		await runBackup(id, signal);
		expect(await row(id)).toMatchObject({ status: 'succeeded', reason: 'manual', jobId: null });
		await runBackup(id, signal);
		expect(pve.state.backups).toHaveLength(1);
	});

	it('is refused for a tenant that is nowhere', async () => {
		const placed = await placeTenant();
		await db.tenant.update({ where: { id: placed.tenantId }, data: { containerId: null } });
		await expect(transaction((tx) => requestBackup(tx, placed.tenantId, 'manual'))).rejects.toThrow(
			'WRONG_STATE'
		);
	});
});

describe('purging', () => {
	it.each<Isolation>(['dedicated', 'shared'])(
		'removes what is over, and nothing sooner (%s)',
		async (isolation) => {
			const placed = await installed(isolation);
			const { backupId } = await taken(placed);
			const { location } = await row(backupId);
			const isThere = () =>
				pve.state.backups.some(({ volid }) => volid === location) ||
				pve.guests.get(placed.place.vmid)!.files[location!] !== undefined;
			setClockOffset(29 * DAY);
			await purgeBackups();
			expect(isThere()).toBe(true);
			setClockOffset(31 * DAY);
			await purgeBackups();
			expect(isThere()).toBe(false);
			expect(await row(backupId)).toMatchObject({ status: 'deleted' });
		}
	);

	it('keeps the row and the reason when the archive cannot be removed', async () => {
		const placed = await installed('dedicated');
		const { backupId } = await taken(placed);
		setClockOffset(31 * DAY);
		pve.state.backups[0]!.protected = true;
		await purgeBackups();
		expect(await row(backupId)).toMatchObject({
			status: 'succeeded',
			error: expect.stringContaining('protected')
		});
	});
});
