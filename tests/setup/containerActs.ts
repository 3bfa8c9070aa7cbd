import { beforeAll, beforeEach } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { db, transaction } from '#lib/core/db.server.ts';
import type { Wish } from '#lib/infrastructure/containers/actForms.ts';
import { ActLost } from '#lib/infrastructure/containers/actRow.server.ts';
import { runAct } from '#lib/infrastructure/containers/actRun.server.ts';
import { askForAct } from '#lib/infrastructure/containers/acts.server.ts';
import { ensureContainer } from '#lib/infrastructure/containers/containers.server.ts';
import { breakerPatience } from '#lib/infrastructure/nodes/breakerPatience.ts';
import { patience } from '#lib/infrastructure/nodes/clients.server.ts';
import type { ContainerState } from '../../src/sandbox/proxmox/state.ts';
import { placeTenant, testContainers } from './containers.ts';

/** Who asks in tests. */
export const BY = { kind: 'staff' as const, id: null, label: 'ana@example.com' };

/** One running container of one instance, as it was made, before every test; what is asked of it is run by the test. */
export async function testActs() {
	const world = await testContainers({ work: false });
	const { pve, sandbox } = world;
	patience.requestMs = 1_000;
	breakerPatience.pauseMs = 50;
	const made = { id: '', vmid: 0, tenantId: '' };
	const guest = (): ContainerState => pve.state.containers[made.vmid]!;

	beforeAll(async () => {
		const placed = await placeTenant();
		for (;;) if ((await ensureContainer(placed.run, placed.place.containerId)).ready) break;
		const { containerId: id, vmid } = placed.place;
		Object.assign(made, { id, vmid, tenantId: placed.tenantId });
	});

	beforeEach(async () => {
		sandbox.kernel.faults.clear();
		for (const { name } of pve.state.nodes) pve.setOnline(name, true);
		pve.state.tasks.length = 0;
		delete guest().config.lock;
		delete guest().config.nameserver;
		guest().ignoresShutdown = false;
		guest().snapshots = [];
		Object.assign(guest().config, { cores: 2, memory: 4096 });
		guest().config.rootfs = String(guest().config.rootfs).replace(/size=\w+/, 'size=50G');
		if (guest().status === 'stopped') pve.markRunning(guest(), 0);
		await db.containerAct.deleteMany();
		await db.backup.deleteMany();
		await db.provisioningJob.updateMany({ data: { status: 'succeeded' } });
		await db.tenant.updateMany({ data: { status: 'active' } });
		await db.node.updateMany({ data: { status: 'online', haltedAt: null, haltedBy: null } });
		await db.container.update({
			where: { id: made.id },
			data: {
				...{ cpuCores: 2, ramMb: 4096, diskGb: 50, status: 'running', wantedRunning: true },
				...{ taskUpid: null, adopted: false, rootVolume: null, retiring: false }
			}
		});
	});

	/** Runs an act as the queue would, over and over, until it has ended. */
	async function untilEnded(actId: string, tries = 40) {
		for (let left = tries; left > 0; left--) {
			await runAct(actId, new AbortController().signal).catch((error: unknown) => {
				if (!(error instanceof ActLost)) throw error;
			});
			const act = await db.containerAct.findUniqueOrThrow({ where: { id: actId } });
			if (act.finishedAt) return act;
			await sleep(100);
		}
		const act = await db.containerAct.findUniqueOrThrow({ where: { id: actId } });
		throw new Error(`not ended: ${JSON.stringify(act)}`);
	}

	return {
		...world,
		made,
		guest,
		untilEnded,
		row: () => db.container.findUniqueOrThrow({ where: { id: made.id } }),
		ask: (wish: Wish) => transaction((tx) => askForAct(tx, made.id, wish, BY))
	};
}
