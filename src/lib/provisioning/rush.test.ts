import { beforeEach, describe, expect, it, vi } from 'vitest';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { buy, giveAway, someVisitor, typed, type PlanKey } from '../../../tests/setup/buyers.ts';
import { moneyOf, signupIs, tenantIs } from '../../../tests/setup/money.ts';
import { expectNoOrphans, expectNothingLost } from '../../../tests/setup/orphans.ts';
import { outside } from '../../../tests/setup/outside.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { nodeFigures } from '../infrastructure/nodes/figures.server.ts';
import { checkNodes } from '../infrastructure/nodes/nodes.server.ts';
import { capacityAppeared } from '../infrastructure/nodes/waiters.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { openSignup } from './signups.server.ts';
import { requestDeletion } from './tenants.server.ts';

// Nothing here takes longer than seconds, but on a machine that does much else at the same time.
vi.setConfig({ testTimeout: 120_000 });
const platform = await testPlatform();
const world = outside(platform.sandbox);
let made = 0;
const name = () => `rush-${++made}`;

/** Lets the cluster take so many more containers, on its first node. */
async function leaveRoomFor(containers: number): Promise<void> {
	await db.node.updateMany({ data: { maxContainers: 0 } });
	const [node] = (await nodeFigures(db)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
	await db.node.update({
		where: { id: node!.id },
		data: { maxContainers: node!.containers + containers }
	});
}
const openRoom = async () => {
	await db.node.updateMany({ data: { maxContainers: 50 } });
	await transaction((tx) => capacityAppeared(tx));
};
const runOf = async (slug: string) => {
	const { id } = await db.tenant.findFirstOrThrow({ where: { slug } });
	return db.provisioningJob.findFirstOrThrow({ where: { subjectId: id } });
};
/** It has looked, found no room, and sleeps. */
async function waits(slug: string): Promise<void> {
	await tenantIs(slug, 'waiting_capacity');
	await eventually(async () => (await runOf(slug)).status === 'waiting');
}

beforeEach(() => db.node.updateMany({ data: { maxContainers: 50 } }));

describe('at the same time', () => {
	it('of two who want one name exactly one gets it, and the other is told so', async () => {
		const slug = name();
		const both = await Promise.allSettled(
			['ana', 'eva'].map((who) =>
				openSignup(typed('pro', slug, `${who}@${slug}.example`), someVisitor)
			)
		);
		expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
		const refusal: unknown = both.find((one) => one.status === 'rejected')?.reason;
		if (!(refusal instanceof AppError)) throw refusal;
		expect(refusal.code).toBe('NAME_TAKEN');
		expect(refusal.status).toBe(409);
		expect(refusal.sentence.length).toBeGreaterThan(10);
		expect(await db.nameReservation.count({ where: { slug } })).toBe(1);
		// What the loser typed is rolled back with his reservation.
		expect(await db.signup.count({ where: { slug } })).toBe(1);
	});

	it.each(['pro', 'basic'] as const)(
		'of two %s buyers with room for one exactly one gets it; staff and the other are told, who follows',
		async (plan) => {
			await fillShared(plan);
			await leaveRoomFor(plan === 'pro' ? 1 : 0);
			const slugs = [name(), name()];
			const signups = await Promise.all(slugs.map((slug) => buy(platform, plan, slug)));
			const ended = await eventually(async () => {
				const tenants = await db.tenant.findMany({ where: { slug: { in: slugs } } });
				const settled = tenants.filter(({ status }) =>
					['active', 'waiting_capacity'].includes(status)
				);
				return settled.length === 2 && settled;
			}, 60);
			expect(ended.map(({ status }) => status).sort()).toEqual(['active', 'waiting_capacity']);
			const waiting = ended.find(({ status }) => status === 'waiting_capacity')!;
			await waits(waiting.slug);
			const alert = { rule: 'provisioning.no-capacity', subjectId: waiting.id, closedAt: null };
			expect(await db.alert.count({ where: alert })).toBe(1);
			// Staff are told once.
			const told = { customerId: null, data: { path: ['slug'], equals: waiting.slug } };
			expect(await db.notification.findMany({ where: told })).toMatchObject([
				{ kind: alert.rule, data: { company: 'Cacao Real S.A.', subjectId: waiting.id } }
			]);
			expect(await db.emailMessage.count({ where: { dedupeKey: `waiting:${waiting.id}` } })).toBe(
				1
			);
			await openRoom();
			await tenantIs(waiting.slug, 'active');
			for (const { signupId } of signups) await signupIs(signupId, 'completed');
			for (const slug of slugs) await expectNoOrphans(platform, slug);
			expect(await db.alert.count({ where: alert })).toBe(0);
		}
	);

	it('twenty buyers all get their instance', async () => {
		const slugs = Array.from({ length: 20 }, (_, index) => ({
			slug: name(),
			plan: (index % 2 ? 'basic' : 'pro') as PlanKey
		}));
		await Promise.all(slugs.map(({ slug, plan }) => buy(platform, plan, slug)));
		for (const { slug } of slugs) await tenantIs(slug, 'active');
		for (const { slug } of slugs) {
			await eventually(async () => (await runOf(slug)).status === 'succeeded');
			await expectNoOrphans(platform, slug);
		}
		const runs = await db.provisioningStep.findMany({
			where: { job: { subjectId: { in: await ids(slugs.map(({ slug }) => slug)) } } },
			select: { status: true }
		});
		expect(runs.filter(({ status }) => status !== 'done')).toEqual([]);
		await expectNothingLost(platform);
	});
});

describe('a full cluster', () => {
	it('serves those who wait in the order in which they paid, as room appears', async () => {
		await leaveRoomFor(0);
		const slugs = [name(), name(), name()];
		for (const slug of slugs) {
			await giveAway('pro', slug);
			await waits(slug);
		}
		// Who comes later with room for one does not overtake.
		await leaveRoomFor(1);
		await transaction((tx) => capacityAppeared(tx));
		await tenantIs(slugs[0]!, 'active');
		await waits(slugs[1]!);
		await waits(slugs[2]!);
		// Room for two at once: the second in line is followed by the third without another word.
		await leaveRoomFor(2);
		await transaction((tx) => capacityAppeared(tx));
		await tenantIs(slugs[1]!, 'active');
		await tenantIs(slugs[2]!, 'active');
		const activated = await db.tenant.findMany({
			where: { slug: { in: slugs } },
			orderBy: { containerId: 'asc' },
			select: { slug: true }
		});
		expect(activated.map(({ slug }) => slug)).toEqual(slugs);
	});

	it('takes up who waits when an instance is deleted', async () => {
		const [leaves, comes] = [name(), name()];
		await giveAway('pro', leaves);
		const tenant = await tenantIs(leaves, 'active');
		await eventually(async () => (await runOf(leaves)).status === 'succeeded');
		await leaveRoomFor(0);
		await giveAway('pro', comes);
		await waits(comes);
		await transaction((tx) => requestDeletion(tx, tenant, { by: SYSTEM }));
		await db.tenant.update({
			where: { id: tenant.id },
			data: { deleteAfter: after(now(), -HOUR) }
		});
		const { id } = await db.provisioningJob.findFirstOrThrow({
			where: { subjectId: tenant.id, saga: 'tenants.delete' }
		});
		await transaction((tx) => wakeSaga(tx, id));
		// What it took is free, and nobody has to say so. Its own place counted against the limit of another node.
		await tenantIs(leaves, 'deleted');
		await leaveRoomFor(1);
		await transaction((tx) => capacityAppeared(tx));
		await tenantIs(comes, 'active');
		await expectNoOrphans(platform, leaves);
	});

	it('takes up who waits when a node comes back', async () => {
		for (const { name: node } of world.cluster.state.nodes.slice(1))
			world.cluster.setOnline(node, false);
		await checkNodes();
		const pve1 = await db.node.findFirstOrThrow({ where: { name: 'pve1' } });
		await db.node.update({ where: { id: pve1.id }, data: { maxContainers: 0 } });
		const slug = name();
		await giveAway('pro', slug);
		await waits(slug);
		world.cluster.setOnline('pve2', true);
		world.cluster.setOnline('pve3', true);
		await checkNodes();
		await tenantIs(slug, 'active');
		await expectNoOrphans(platform, slug);
	});

	it('gives the money back when nobody has made room in time, and lets the next one pass', async () => {
		await leaveRoomFor(0);
		const [first, second] = [name(), name()];
		const { signupId } = await buy(platform, 'pro', first);
		await waits(first);
		await giveAway('pro', second);
		await waits(second);
		await platform.stripe('/refunds/next', { status: 'pending' });
		await db.tenant.updateMany({
			where: { slug: first },
			data: { queuedAt: after(now(), -73 * HOUR) }
		});
		await transaction(async (tx) => wakeSaga(tx, (await runOf(first)).id));
		await eventually(async () => (await runOf(first)).status === 'compensated');
		await eventually(async () => moneyOf(platform, signupId).refunds.length === 1);
		// The bank still has the refund; whoever is next need not wait for it.
		await openRoom();
		await tenantIs(second, 'active');
		const refund = await eventually(() => db.refund.findFirst({ where: { signupId } }));
		await platform.stripe(`/refunds/${refund.stripeRefundId}/outcome`, { status: 'succeeded' });
		await signupIs(signupId, 'refunded');
		await tenantIs(first, 'refunded');
		await expectNoOrphans(platform, first);
	});
});

async function ids(slugs: string[]): Promise<string[]> {
	const tenants = await db.tenant.findMany({
		where: { slug: { in: slugs } },
		select: { id: true }
	});
	return tenants.map(({ id }) => id);
}

/** Leaves one slot in all shared containers together. */
async function fillShared(plan: PlanKey): Promise<void> {
	if (plan !== 'basic') return;
	const shared = await db.container.findMany({
		where: { purpose: 'shared', status: 'running' },
		include: { _count: { select: { tenants: true } } }
	});
	if (shared.length === 0) {
		const slug = name();
		await giveAway('basic', slug);
		await tenantIs(slug, 'active');
		return fillShared(plan);
	}
	for (const [index, { id, _count }] of shared.entries())
		await db.container.update({
			where: { id },
			data: { slots: _count.tenants + (index === 0 ? 1 : 0) }
		});
}
