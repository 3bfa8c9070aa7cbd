import { randomUUID } from 'node:crypto';
import { beforeEach } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { writeMark } from '#lib/infrastructure/containers/marks.ts';
import '#lib/jobs/registry.server.ts';
import { startDrain } from '#lib/provisioning/moves/drains/drains.server.ts';
import { wakeDrains } from '#lib/provisioning/moves/drains/drainJobs.server.ts';
import { forgetSettings } from '#lib/settings/settings.server.ts';
import type { ContainerMove } from '#prisma/generated/client.ts';
import type { ContainerState } from '../../src/sandbox/proxmox/state.ts';
import { testContainers } from './containers.ts';
import { eventually } from './queue.ts';

/** Who asks in tests. */
export const BY = { kind: 'staff' as const, id: null, label: 'ana@example.com' };

/** How often the schedule looks, which is every minute outside of tests. */
const WAKE_MS = 500;
/** Milliseconds that a drain may take on a machine that does much else. */
export const PATIENCE = 60_000;

/** Three nodes with nothing but the template on them, before every test. Moves are carried out by a worker. */
export async function testDrains() {
	const world = await testContainers({ work: true });
	const { sandbox, pve, guests } = world;
	const before = await db.node.findMany();
	const id = (name: string) => before.find((node) => node.name === name)!.id;
	let vmid = 300;

	beforeEach(async () => {
		sandbox.kernel.faults.clear();
		await db.nodeDrain.updateMany({ data: { status: 'cancelled' } });
		await eventually(
			async () => (await db.containerMove.count({ where: { status: 'running' } })) === 0
		);
		await db.tenantMigration.deleteMany();
		await db.containerMove.deleteMany();
		await db.nodeDrain.deleteMany();
		await db.container.deleteMany({ where: { purpose: { not: 'template' } } });
		for (const { vmid } of guests()) delete pve.state.containers[vmid];
		for (const { id, health: _health, ...row } of before)
			await db.node.update({ where: { id }, data: row });
		await db.setting.deleteMany();
		forgetSettings();
	});

	/** A stopped container of ours that is nobody's: it is moved without Odoo and without an edge. */
	async function put(node: string, ramMb: number, changes: { adopted?: boolean } = {}) {
		const containerId = randomUUID();
		const jobId = randomUUID();
		const state: ContainerState = {
			...{ vmid: ++vmid, node, pending: {}, status: 'stopped', startedAt: null, readyAtMs: 0 },
			...{ createdAt: pve.now() - 86_400, snapshots: [] },
			config: {
				...{ arch: 'amd64', cores: 1, hostname: `erp-${vmid}`, memory: ramMb, swap: 512 },
				...{ ostype: 'debian', unprivileged: 1, rootfs: `ceph:vm-${vmid}-disk-0,size=8G` },
				net0: `name=eth0,bridge=vmbr0,gw=10.10.20.1,hwaddr=${pve.newMac()},ip=10.10.20.${vmid % 200}/24,type=veth`,
				description: writeMark({ jobId, containerId })
			}
		};
		pve.state.containers[vmid] = state;
		const { clusterId } = before[0]!;
		await db.container.create({
			data: {
				...{ id: containerId, clusterId, nodeId: id(node), vmid, hostname: `erp-${vmid}` },
				...{ purpose: 'odoo', cpuCores: 1, ramMb, diskGb: 8, status: 'stopped' },
				...{ wantedRunning: false, createdByJobId: jobId, ...changes }
			}
		});
		return { id: containerId, vmid };
	}

	/** The memory that a node may still promise is `freeMb`. */
	async function leave(node: string, freeMb: number) {
		const used = await db.container.aggregate({
			where: { nodeId: id(node), status: { not: 'deleted' } },
			_sum: { ramMb: true }
		});
		await db.node.update({
			where: { id: id(node) },
			data: { ramTotalMb: (used._sum.ramMb ?? 0) + freeMb, ramOvercommit: 1 }
		});
	}

	/** Begins to empty a node; with a notice it is prepared when this answers. */
	async function drain(node: string, noticeHours = 0) {
		const wish = { reason: 'Cambio de discos', noticeHours };
		const begun = await transaction((tx) => startDrain(tx, id(node), wish, BY));
		await eventually(() => db.containerMove.findFirst({ where: { drainId: begun.id } }));
		if (noticeHours > 0) await eventually(async () => (await looks(begun.id)).isLooking === 0);
		return begun;
	}

	/** Jobs of a drain: those that look now, and those that will. */
	async function looks(drainId: string) {
		const [row] = await db.$queryRaw<{ isLooking: number; later: number }[]>`
			SELECT count(*) FILTER (WHERE state = 'active' OR start_after <= now())::int AS "isLooking",
				count(*) FILTER (WHERE state < 'active' AND start_after > now())::int AS later
			FROM pgboss.job WHERE name = 'provisioning.drain' AND singleton_key = ${drainId} AND state <= 'active'`;
		return row!;
	}

	const movesOf = (drainId: string) =>
		db.containerMove.findMany({ where: { drainId }, orderBy: { position: 'asc' } });

	return {
		...world,
		id,
		put,
		leave,
		drain,
		looks,
		movesOf,
		/** Lets the schedule look now and then, until `look` answers something. */
		until: <T>(look: () => Promise<T | null | undefined | false>) => {
			let next = 0;
			return eventually(async () => {
				const seen = await look();
				if (!seen && Date.now() > next) {
					await wakeDrains();
					next = Date.now() + WAKE_MS;
				}
				return seen;
			}, PATIENCE / 1000);
		},
		isDone: async (drainId: string) =>
			(await db.nodeDrain.findUniqueOrThrow({ where: { id: drainId } })).status === 'done',
		/** Node by VMID, as Proxmox has it; each once. */
		whereabouts: () => Object.fromEntries(guests().map(({ vmid, node }) => [vmid, node])),
		setting: async (key: string, value: number) => {
			await db.setting.create({ data: { key, category: 'provisioning', value } });
			forgetSettings();
		}
	};
}

/** How many of these moves were under way at once, at most. */
export function mostAtOnce(moves: ContainerMove[]): number {
	return Math.max(
		0,
		...moves.map(
			({ startedAt: at }) =>
				moves.filter(
					({ startedAt, finishedAt }) =>
						at && startedAt && startedAt <= at && (!finishedAt || finishedAt > at)
				).length
		)
	);
}
