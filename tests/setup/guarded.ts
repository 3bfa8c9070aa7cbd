import { expect } from 'vitest';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import {
	destroyContainer,
	ensureContainer
} from '#lib/infrastructure/containers/containers.server.ts';
import { ensureHa } from '#lib/infrastructure/ha/ha.server.ts';
import '#lib/infrastructure/jobs.server.ts';
import { checkNodes } from '#lib/infrastructure/nodes/nodes.server.ts';
import { releaseContainer } from '#lib/infrastructure/placement/placement.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { haOf } from '../../src/sandbox/proxmox/ha.ts';
import { placeTenant, testContainers, type Placed } from './containers.ts';
import { eventually } from './queue.ts';

const by: Actor = { kind: 'staff', id: null, label: 'ops@example.com' };

/** A cluster of three nodes whose containers come under high availability. */
export async function testGuarded() {
	let told = 0;
	// Provisioning's jobs: one tells the customers, the other leads the tunnels there.
	defineJob({
		name: 'provisioning.failed-over',
		payload: z.object({ failoverId: z.uuid() }),
		run: () => Promise.resolve(void (told += 1))
	});
	defineJob({
		name: 'provisioning.follow-node',
		payload: z.object({ containerId: z.uuid(), since: z.number() }),
		run: () => Promise.resolve()
	});
	const { sandbox, pve } = await testContainers({ work: true });
	const ha = haOf(pve);
	const untilReady = (look: () => Promise<{ ready: boolean }>) =>
		eventually(async () => (await look()).ready || undefined, 30);
	const ensured = ({ run, place }: Placed) => untilReady(() => ensureHa(run, place.containerId));

	return {
		...{ sandbox, pve, ha, by, ensured },
		/** How often customers were to be told of a failover. */
		told: () => told,
		/** All nodes are up, and nothing goes wrong. */
		begin: async () => {
			sandbox.kernel.faults.clear();
			for (const { name } of pve.state.nodes) pve.setOnline(name, true);
			await checkNodes();
		},
		/** From now on disks are copied from node to node: nothing that is shared is there for containers any more. */
		copiesDisks: async () => {
			await db.cluster.updateMany({ data: { rootfsStorage: 'local-zfs' } });
			pve.state.storages.find(({ storage }) => storage === 'ceph')!.content = ['images'];
			await checkNodes();
		},
		/** The container's row, with the names of its two nodes. */
		rowOf: async ({ place }: Placed) => {
			const row = await db.container.findUniqueOrThrow({
				where: { id: place.containerId },
				include: { node: true, haNode: true, guard: true }
			});
			return { ...row, at: row.node.name, standby: row.haNode?.name ?? null };
		},
		/** Where Proxmox has what of a container. */
		inProxmox: (vmid: number) => ({
			resource: ha.resourceOf(vmid)?.state ?? null,
			nodes: ha.state.rules.map(({ nodes }) => nodes.split(',').sort().join()),
			copies: ha.state.jobs.map(({ target }) => target)
		}),
		/** A container with high availability, as the set-up of an instance makes it. */
		guarded: async (): Promise<Placed> => {
			const placed = await placeTenant('dedicated_ha');
			await untilReady(() => ensureContainer(placed.run, placed.place.containerId));
			await ensured(placed);
			const where = { id: placed.tenantId };
			await db.provisioningJob.update({
				where: { id: placed.jobId },
				data: { status: 'succeeded' }
			});
			await db.tenant.update({ where, data: { status: 'active', published: true } });
			return placed;
		},
		/** Takes it away, and looks that nothing of it is left. */
		gone: async ({ place, run, tenantId }: Placed): Promise<void> => {
			await destroyContainer(run, place.containerId, { tenantId });
			await transaction((tx) => releaseContainer(tx, place.containerId, { tenantId }));
			await db.tenant.update({ where: { id: tenantId }, data: { status: 'deleted' } });
			expect(ha.state).toMatchObject({ resources: [], rules: [], jobs: [] });
			expect(pve.state.containers[place.vmid]).toBeUndefined();
		}
	};
}
