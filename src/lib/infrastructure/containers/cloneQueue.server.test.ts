import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { startSaga } from '#lib/core/saga.server.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { containerSaga, reserve, testContainers } from '../../../../tests/setup/containers.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { endTurn, keepTurn, takeTurn, type Turn } from './cloneQueue.server.ts';

const { sandbox, pve, guests } = await testContainers({ work: true });

const clusterId = (await db.cluster.findFirstOrThrow()).id;
const waiter = (): Turn => ({
	containerId: randomUUID(),
	clusterId,
	templateVmid: 9018,
	jobId: randomUUID()
});
const end = (turn: Turn) => transaction((tx) => endTurn(tx, turn.containerId));
const unseen = (turn: Turn, seconds: number) =>
	db.$executeRaw`UPDATE clone_turns SET seen_at = clock_timestamp() - make_interval(secs => ${seconds}::float8)
		WHERE container_id = ${turn.containerId}::uuid`;

beforeEach(async () => {
	await db.cloneTurn.deleteMany();
});

describe('the queue for a template', () => {
	it('lets one copy at a time, in the order of asking', async () => {
		const [a, b, c] = [waiter(), waiter(), waiter()];
		expect([await takeTurn(a), await takeTurn(b), await takeTurn(c)]).toEqual([0, 1, 2]);
		await end(a);
		expect([await takeTurn(c), await takeTurn(b), await takeTurn(c)]).toEqual([1, 0, 1]);
	});

	it('gives the turn to exactly one of many who ask at the same time', async () => {
		const turns = Array.from({ length: 12 }, waiter);
		const ahead = await Promise.all(turns.map(takeTurn));
		expect(ahead.filter((count) => count === 0)).toHaveLength(1);
		expect(await db.cloneTurn.count({ where: { startedAt: { not: null } } })).toBe(1);
	});

	it('answers a worker that asks again, after a crash, that the turn is still its own', async () => {
		const [a, b] = [waiter(), waiter()];
		await takeTurn(a);
		await takeTurn(b);
		expect([await takeTurn(a), await takeTurn(b)]).toEqual([0, 1]);
	});

	it('takes the turn from a worker that died, but not from one that gives signs of life', async () => {
		const [a, b] = [waiter(), waiter()];
		await takeTurn(a);
		await takeTurn(b);
		await unseen(a, 29);
		expect(await takeTurn(b)).toBe(1);
		await keepTurn(db, a.containerId);
		await unseen(a, 31);
		expect(await takeTurn(b)).toBe(0);
		expect(await takeTurn(a)).toBe(1);
	});

	it('passes over one that sleeps, who keeps his place', async () => {
		const [a, b, c] = [waiter(), waiter(), waiter()];
		for (const turn of [a, b, c]) await takeTurn(turn);
		await end(a);
		await unseen(b, 10);
		expect(await takeTurn(c)).toBe(0);
		expect(await takeTurn(b)).toBe(1);
		await end(c);
		expect(await takeTurn(b)).toBe(0);
	});

	it('is one for each template', async () => {
		const [a, b] = [waiter(), { ...waiter(), templateVmid: 9019 }];
		expect([await takeTurn(a), await takeTurn(b)]).toEqual([0, 0]);
	});
});

describe('twenty set-ups at once', () => {
	it('are all finished at the first attempt, with one copy at a time', async () => {
		sandbox.kernel.speed = 0.01;
		let most = 0;
		const watch = setInterval(() => {
			const copying = pve.state.tasks.filter((one) => one.type === 'vzclone' && !one.endtime);
			most = Math.max(most, copying.length);
		}, 5);
		const jobs = await Promise.all(
			Array.from({ length: 20 }, async () => {
				const tenant = await createUnplacedTenant(db);
				await reserve(tenant, 'dedicated', randomUUID());
				return transaction(async (tx) => {
					const jobId = await startSaga(tx, containerSaga, {
						subjectId: tenant.id,
						customerId: tenant.customerId,
						state: {}
					});
					await tx.container.updateMany({
						where: { tenants: { some: { id: tenant.id } } },
						data: { createdByJobId: jobId }
					});
					return jobId;
				});
			})
		);
		const ended = await eventually(async () => {
			const rows = await db.provisioningJob.findMany({
				where: { id: { in: jobs } },
				include: { steps: true }
			});
			return (
				rows.every(({ status }) => ['succeeded', 'failed', 'compensated'].includes(status)) && rows
			);
		}, 90);
		clearInterval(watch);
		expect(ended.map(({ status }) => status)).toEqual(Array(20).fill('succeeded'));
		expect(ended.flatMap(({ steps }) => steps.map(({ attempts }) => attempts))).toEqual(
			Array(20).fill(1)
		);
		expect(guests()).toHaveLength(20);
		expect(guests().every(({ status, config }) => status === 'running' && !config.lock)).toBe(true);
		expect(most).toBe(1);
		const refused = sandbox.kernel.calls
			.list({ vendor: 'proxmox', match: '/clone' })
			.filter(({ status }) => status !== 200);
		expect(refused).toEqual([]);
		expect(await db.cloneTurn.count()).toBe(0);
	}, 120_000);
});
