import { expect } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { readMark } from '#lib/infrastructure/containers/marks.ts';
import { airPatience } from '#lib/provisioning/moves/airBreak.server.ts';
import { movePatience } from '#lib/provisioning/moves/containers/containerMoveState.server.ts';
import { askForMove, type MoveWish } from '#lib/provisioning/moves/containers/moves.server.ts';
import { BY } from './containerActs.ts';
import { giveAway, makeRoom, type PlanKey } from './buyers.ts';
import { beImpatient } from './impatience.ts';
import { outside } from './outside.ts';
import { testPlatform } from './platform.ts';
import { eventually } from './queue.ts';

const AT_A_TIME = 8;

/**
 * A platform whose instances are moved between its three nodes.
 * @param perShared tenants in each shared container
 * @param options work: false where workers are processes of their own
 */
export async function testMoves(perShared: number, options: { work?: boolean } = {}) {
	const platform = await testPlatform(options);
	beImpatient();
	airPatience.edgeMs = 30_000;
	movePatience.odooMs = 20_000;
	await makeRoom(platform, perShared);
	const world = outside(platform.sandbox);
	const pve = world.cluster;

	/** Instances of a plan that are on the air; a few are set up at a time, since all of them share this process. */
	async function settled(plan: PlanKey, ...slugs: string[]) {
		const tenants: Awaited<ReturnType<typeof until>>[] = [];
		for (let from = 0; from < slugs.length; from += AT_A_TIME) {
			const some = slugs.slice(from, from + AT_A_TIME);
			for (const slug of some) await giveAway(plan, slug);
			tenants.push(...(await Promise.all(some.map((slug) => until(slug, 'active')))));
		}
		return tenants;
	}

	function until(slug: string, status: string) {
		return eventually(async () => {
			const tenant = await db.tenant.findFirst({
				where: { slug },
				include: { container: { include: { node: true } } }
			});
			return tenant?.status === status && tenant;
		}, 120);
	}

	const nodeNamed = (name: string) => db.node.findFirstOrThrow({ where: { name } });

	/** Another node than the one that a container is on. */
	async function elsewhere(containerId: string) {
		const { nodeId } = await db.container.findUniqueOrThrow({ where: { id: containerId } });
		return db.node.findFirstOrThrow({ where: { id: { not: nodeId } }, orderBy: { name: 'asc' } });
	}

	function ask(containerId: string, toNodeId: string | null, more: Partial<MoveWish> = {}) {
		return transaction((tx) => askForMove(tx, { containerId, toNodeId, ...more }, BY));
	}

	/** A move that is over, its run as well. */
	function ended(moveId: string, seconds = 120) {
		return eventually(async () => {
			const move = await db.containerMove.findUniqueOrThrow({
				where: { id: moveId },
				include: { migrations: true }
			});
			if (['planned', 'running'].includes(move.status)) return null;
			const run = await db.provisioningJob.findUnique({ where: { id: move.jobId ?? undefined } });
			return ['succeeded', 'compensated', 'failed'].includes(run?.status ?? '') && move;
		}, seconds);
	}

	/**
	 * The container is there once, where its row says, running and unlocked; nobody holds it or room for it elsewhere; and each
	 * of its instances that is to be on the air answers.
	 */
	async function expectWhole(containerId: string): Promise<void> {
		const row = await db.container.findUniqueOrThrow({
			where: { id: containerId },
			include: { node: true, tenants: true }
		});
		const real = Object.values(pve.state.containers).filter(
			({ config }) => readMark(config.description)?.containerId === containerId
		);
		expect(
			real.map(({ vmid, node, status, config }) => ({ vmid, node, status, lock: config.lock }))
		).toEqual([{ vmid: row.vmid, node: row.node.name, status: 'running', lock: undefined }]);
		expect(row).toMatchObject({ moveToNodeId: null, status: 'running', taskUpid: null });
		for (const { slug, status } of row.tenants) {
			if (status === 'suspended') continue;
			expect([slug, status]).toEqual([slug, 'active']);
			const page = await platform.open(`${slug}.sajet.us`, '/web/login');
			expect(page.body).toContain(`value="${slug}"`);
		}
		const openOutages = { tenantId: { in: row.tenants.map(({ id }) => id) }, endedAt: null };
		expect(await db.tenantOutage.count({ where: openOutages })).toBe(0);
	}

	return { platform, world, pve, settled, until, nodeNamed, elsewhere, ask, ended, expectWhole };
}
