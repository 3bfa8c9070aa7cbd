import { expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { askForServer, made } from '../../../../tests/setup/databaseServers.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { staff, testTemplates } from '../../../../tests/setup/templates.ts';
import type { FaultRequest } from '../../../sandbox/kernel/faults.ts';
import { readMark } from '../containers/marks.ts';
import { requestRemoval } from './removeServer.server.ts';
import './serverJobs.server.ts';

const { sandbox, pve } = await testTemplates();

/** Every call by which a server of databases is made, and whether it changes something. */
const CALLS = [
	['proxmox', 'POST /api2/json/nodes/pve1/lxc$', true],
	['proxmox', 'GET .*/tasks/UPID.*vzcreate', false],
	['proxmox', 'POST .*/status/start$', true],
	['proxmox', 'GET .*/tasks/UPID.*vzstart', false],
	...['base', 'locale', 'postgresql', 'verify'].map(
		(step) => ['ssh', `bash -s -- ${step}`, true] as const
	)
] as const;

/** Those that bear its mark, whatever their VMID. */
function marked(id: string): number[] {
	return Object.values(pve.state.containers)
		.filter(({ config }) => readMark(config.description)?.containerId === id)
		.map(({ vmid }) => vmid);
}

async function remove(id: string): Promise<void> {
	await transaction((tx) => requestRemoval(tx, id, staff));
	await eventually(
		async () =>
			(await db.container.findUniqueOrThrow({ where: { id } })).status === 'deleted' &&
			marked(id).length === 0
	);
}

it.each<[string, Pick<FaultRequest, 'kind' | 'when' | 'status'>]>([
	['answers 500', { kind: 'status', status: 500 }],
	['cuts the connection', { kind: 'reset' }],
	['cuts the connection after the effect', { kind: 'reset', when: 'after' }],
	['answers garbage', { kind: 'malformed' }],
	['answers garbage after the effect', { kind: 'malformed', when: 'after' }]
])('each call %s once: it ends ready all the same, once', async (_what, fault) => {
	const struck = new Set<string>();
	for (const [target, match, changes] of CALLS) {
		if (fault.when === 'after' && !changes) continue;
		sandbox.kernel.faults.add({ ...fault, target, match, onTaken: () => struck.add(match) });
	}
	const id = await askForServer({ name: 'pg-faults' });
	const { vmid } = await made(id, 'succeeded');
	expect(marked(id)).toEqual([vmid]);
	expect([...struck].filter((match) => !match.startsWith('GET'))).toHaveLength(6);
	sandbox.kernel.faults.clear();
	await remove(id);
});

it('each step may run again, as after a death before it was written down: nothing is made twice', async () => {
	const id = await askForServer({ name: 'pg-again' });
	const { vmid, createdByJobId } = await made(id, 'succeeded');
	const jobId = createdByJobId!;
	const steps = await db.provisioningStep.findMany({
		where: { jobId },
		orderBy: { position: 'asc' }
	});
	for (const { position } of steps.toReversed()) {
		sandbox.kernel.calls.clear();
		await transaction(async (tx) => {
			await tx.provisioningStep.updateMany({
				where: { jobId, position: { gte: position } },
				data: { status: 'pending', finishedAt: null, attempts: 0 }
			});
			await tx.provisioningJob.update({
				where: { id: jobId },
				data: { status: 'queued', finishedAt: null }
			});
			await wakeSaga(tx, jobId);
		});
		await made(id, 'succeeded');
		const changes = sandbox.kernel.calls
			.list({ vendor: 'proxmox' })
			.filter(({ line }) => line.startsWith('POST'));
		expect(changes).toEqual([]);
	}
	expect(marked(id)).toEqual([vmid]);
	await remove(id);
});
