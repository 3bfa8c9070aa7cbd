import { expect } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { ensureContainer } from '#lib/infrastructure/containers/containers.server.ts';
import '#lib/infrastructure/jobs.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import type { Drift } from '#prisma/generated/client.ts';
import { tamper } from '../../src/sandbox/proxmox/tamper.ts';
import { placeTenant, testContainers } from './containers.ts';
import { eventually } from './queue.ts';

const by: Actor = { kind: 'staff', id: null, label: 'ops@example.com' };

/** A cluster with one container of ours, which Proxmox and our books say the same of at the beginning of each case. */
export async function testDrifts() {
	const { sandbox, pve } = await testContainers({ work: true });
	const placed = await placeTenant();
	await eventually(async () => {
		const progress = await ensureContainer(placed.run, placed.place.containerId).catch(() => null);
		return progress?.ready;
	}, 30);
	await db.provisioningJob.update({ where: { id: placed.jobId }, data: { status: 'succeeded' } });
	const where = { id: placed.place.containerId };
	const row = await db.container.findUniqueOrThrow({ where });
	const made = JSON.stringify(pve.state.containers);

	/** As the set-up left it. */
	const putBack = () => void (pve.state.containers = JSON.parse(made));
	const guest = () => pve.state.containers[row.vmid]!;
	const open = () => db.drift.findMany({ where: { closedAt: null }, orderBy: { kind: 'asc' } });

	return {
		sandbox,
		pve,
		by,
		/** Puts everything back. @returns the container's row */
		begin: async () => {
			sandbox.kernel.faults.clear();
			for (const { name } of pve.state.nodes) pve.setOnline(name, true);
			putBack();
			const others = { purpose: { not: 'template' as const }, id: { not: row.id } };
			await db.containerAct.deleteMany();
			await db.drift.deleteMany();
			await db.ignoredGuest.deleteMany();
			await db.ipAddress.deleteMany({ where: { containerId: { not: row.id } } });
			await db.container.deleteMany({ where: others });
			const { id: nodeId } = await db.node.findFirstOrThrow({ where: { name: guest().node } });
			const { cpuCores, ramMb, diskGb } = row;
			await db.container.update({
				where,
				data: { cpuCores, ramMb, diskGb, nodeId, status: 'running', wantedRunning: true }
			});
			return row;
		},
		putBack,
		guest,
		/** Somebody's hand in Proxmox. */
		change: (body: Record<string, unknown>) => tamper(pve, guest(), body),
		/** A node that it is not on. */
		elsewhere: () => pve.state.nodes.find(({ name }) => name !== guest().node)!.name,
		open,
		/** The one difference that is open. */
		only: async (): Promise<Drift> => {
			const drifts = await open();
			expect(drifts).toHaveLength(1);
			return drifts[0]!;
		},
		fresh: () =>
			db.container.findUniqueOrThrow({ where, include: { node: { select: { name: true } } } })
	};
}
