import { MIB } from '#lib/core/bytes.ts';
import { db } from '#lib/core/db.server.ts';
import { SagaStop, type Step } from '#lib/core/saga.server.ts';
import { takeLastBackup } from '#lib/backups/backups.server.ts';
import { odooIn, placesOf } from '#lib/infrastructure/containers/odooClient.server.ts';
import { recorderOf } from '#lib/infrastructure/nodes/clients.server.ts';
import { sshAlone } from '#lib/infrastructure/nodes/sshPool.server.ts';
import { differences } from '#lib/integrations/odoo/inventory.ts';
import { isDump, type PackedFile } from '#lib/integrations/odoo/transfer.server.ts';
import { allowedMs } from '#lib/integrations/odoo/patience.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import { pipe } from '#lib/integrations/ssh/pipe.server.ts';
import { stepMessage } from '../../stepMessages.ts';
import { backOnAir, takeOffAir } from '../airBreak.server.ts';
import { isOneServer, isSwitched, rowOf, type MovingRow } from './tenantMoveRow.server.ts';
import {
	folderOf,
	keptName,
	sideName,
	type TenantMoveContext,
	type TenantMoveState
} from './tenantMoveState.ts';

/** Seconds that the packed files may take from one node to the other. */
const CARRY_SECONDS = 12 * 3600;

/** Taken, read back and hashed before anything of it is touched. */
export const backupStep: Step<TenantMoveState> = {
	name: 'backup',
	async run(context) {
		const taken = await takeLastBackup(context, context.subjectId, 'move');
		if (taken.ready) return { message: stepMessage('backup_taken', { location: taken.location }) };
		const message = stepMessage('backup_running', {});
		return { wait: taken.wait, reason: message.code, message };
	}
};

/** Its hosts show the page that says that it is being moved. */
export const offAirStep: Step<TenantMoveState> = {
	name: 'offair',
	async run(context) {
		if (context.state.offAirAskedAt === undefined)
			await context.save({ offAirAskedAt: Date.now() });
		const wait = await takeOffAir(context, [context.subjectId], context.state.offAirAskedAt!);
		return wait ?? { message: stepMessage('copy_off_air', {}) };
	},
	async undo(context) {
		if (isSwitched(await rowOf(context))) return;
		const since = Date.now();
		for (;;) {
			const wait = await backOnAir(context, [context.subjectId], since);
			if (!wait) return;
			await context.sleep(Math.min(wait.wait, 5));
		}
	}
};

/** Nobody writes to it any more, Odoo's scheduled jobs included; then it and its files are written to two files. */
export const packStep: Step<TenantMoveState> = {
	name: 'pack',
	async run(context) {
		const row = await rowOf(context);
		const { databaseName } = row.tenant;
		if (!context.state.holdIntended) await context.save({ holdIntended: true });
		const odoo = await odooIn(row.fromContainerId, context.trace);
		try {
			await odoo.setReach(databaseName, 'held');
			const { dump, files } = await odoo.packDatabase(databaseName, folderOf(context.jobId));
			await context.save({ packed: [dump, files] });
			return { message: stepMessage('copy_packed', { megabytes: megabytes([dump, files]) }) };
		} finally {
			await odoo.close();
		}
	},
	async undo(context) {
		const row = await rowOf(context);
		// Two that can be written must never be: what has gone over stays shut here.
		if (!context.state.holdIntended || isSwitched(row)) return;
		await onceItIsUp(context, row.fromContainerId, async () => {
			const odoo = await odooIn(row.fromContainerId, context.trace);
			try {
				await takeNameBack(context, row, odoo);
				await odoo.setReach(row.tenant.databaseName, 'open');
				await odoo.removeFolder(folderOf(context.jobId));
			} finally {
				await odoo.close();
			}
		});
	}
};

/** On one server the old one may have left its name to the copy, which goes. */
async function takeNameBack(
	context: TenantMoveContext,
	row: MovingRow,
	source: Awaited<ReturnType<typeof odooIn>>
): Promise<void> {
	if (!row.toContainerId || !(await isOneServer(row))) return;
	const { databaseName } = row.tenant;
	const kept = keptName(databaseName, context.jobId);
	if ((await source.reachOf(kept)) === 'absent') return;
	const target = await odooIn(row.toContainerId, context.trace);
	try {
		// As its own role sees it: what is the old one's is not there for it.
		await target.removeDatabase(databaseName);
	} finally {
		await target.close();
	}
	await source.renameDatabase(kept, databaseName);
}

/** Only its own node can give the instance back: while that is down, it is waited for. */
async function onceItIsUp(
	context: TenantMoveContext,
	containerId: string,
	work: () => Promise<void>
): Promise<void> {
	for (let isTold = false; ; isTold = true) {
		try {
			return await work();
		} catch (error) {
			const { node } = await db.container.findUniqueOrThrow({
				where: { id: containerId },
				select: { node: { select: { name: true, status: true, haltedAt: true } } }
			});
			if (node.status !== 'offline' && !node.haltedAt) throw error;
			if (!isTold) await context.log('warning', `waits for ${node.name} to give the old one back`);
			await context.sleep(downPatience.seconds);
		}
	}
}

/** Seconds between two looks at a node that is down; tests shorten it. */
export const downPatience = { seconds: 5 };

/** Both files go over, through this process, and are weighed there. What is there whole is not sent again. */
export const transferStep: Step<TenantMoveState> = {
	name: 'transfer',
	async run(context) {
		const row = await rowOf(context);
		const packed = context.state.packed!;
		const target = await odooIn(row.toContainerId!, context.trace);
		try {
			await target.makeFolder(folderOf(context.jobId));
			for (const file of packed) {
				if (await isThere(target, file)) continue;
				await carry(context, row, file);
				const { bytes, sha256 } = await target.weigh(file.path);
				if (bytes !== file.bytes || sha256 !== file.sha256)
					throw new SshError({
						...{ operation: 'ssh.pipe', kind: 'lost', ambiguous: true },
						message: `${file.path} arrived as ${bytes} of ${file.bytes} bytes`
					});
			}
		} finally {
			await target.close();
		}
		return { message: stepMessage('copy_carried', { megabytes: megabytes(packed) }) };
	}
};

async function isThere(
	target: Awaited<ReturnType<typeof odooIn>>,
	{ path, bytes, sha256 }: PackedFile
): Promise<boolean> {
	if (!(await target.isFile(path))) return false;
	const there = await target.weigh(path);
	return there.bytes === bytes && there.sha256 === sha256;
}

/** One file from the node of the one container to that of the other, never whole in our memory. */
async function carry(context: TenantMoveContext, row: MovingRow, file: PackedFile): Promise<void> {
	const part = isDump(file.path) ? 'databases' : 'files';
	const { [part]: from } = await placesOf(row.fromContainerId);
	const { [part]: to } = await placesOf(row.toContainerId!);
	const inside = (vmid: number, ...argv: string[]) => [
		...['pct', 'exec', String(vmid), '--keep-env', '0', '--'],
		...argv
	];
	const [source, sink] = await Promise.all([sshAlone(from.nodeId), sshAlone(to.nodeId)]);
	const request = { path: file.path, from: from.vmid, to: to.vmid, bytes: file.bytes };
	try {
		await recorderOf(context.trace)(
			{
				vendor: 'ssh',
				operation: 'ssh.pipe',
				changes: true,
				key: row.tenant.databaseName,
				request
			},
			() =>
				pipe(
					{ client: source, argv: inside(from.vmid, 'cat', file.path) },
					{ client: sink, argv: inside(to.vmid, 'sh', '-c', `cat > ${file.path}`) },
					{ signal: context.signal, timeoutMs: allowedMs(CARRY_SECONDS) }
				)
		);
	} finally {
		await Promise.all([source.close(), sink.close()]);
	}
}

/** It is made again over there under a name of this run's, and nobody gets into it. */
export const loadStep: Step<TenantMoveState> = {
	name: 'load',
	async run(context) {
		const { toContainerId, tenant } = await rowOf(context);
		const name = sideName(tenant.databaseName, context.jobId);
		const odoo = await odooIn(toContainerId!, context.trace);
		try {
			await odoo.unpackDatabase(name, folderOf(context.jobId));
		} finally {
			await odoo.close();
		}
		return { message: stepMessage('copy_loaded', {}) };
	}
};

/** Rows of every table, modules and files are the same on both sides, or it is turned back. */
export const compareStep: Step<TenantMoveState> = {
	name: 'compare',
	async run(context) {
		const { fromContainerId, toContainerId, tenant } = await rowOf(context);
		const source = await odooIn(fromContainerId, context.trace);
		const target = await odooIn(toContainerId!, context.trace);
		try {
			const name = sideName(tenant.databaseName, context.jobId);
			const was = await source.inventory(tenant.databaseName);
			const different = differences(was, await target.inventory(name));
			if (different.length > 0)
				throw new SagaStop(`the copy is not the same: ${different.join('; ')}`, 'COPY_DIFFERS');
			const tables = Object.keys(was.tables).length;
			const rows = Object.values(was.tables).reduce((sum, count) => sum + count, 0);
			return { message: stepMessage('copy_same', { tables, rows, files: was.files }) };
		} finally {
			await source.close();
			await target.close();
		}
	}
};

function megabytes(files: PackedFile[]): number {
	return Math.ceil(files.reduce((sum, { bytes }) => sum + bytes, 0) / MIB);
}
