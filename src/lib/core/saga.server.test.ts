import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import { db, transaction } from './db.server.ts';
import { AppError } from './errors.ts';
import {
	compensateSaga,
	defineSaga,
	retrySaga,
	SagaStop,
	startSaga,
	wakeSaga,
	type StepResult
} from './saga.server.ts';
import { tuning } from './sagaPatience.ts';
import { runSaga } from './sagaRunner.server.ts';
import { claimRun, writeClaimed } from './sagaStore.server.ts';

await testDatabase();
await testQueue({ work: true });
tuning.backoffScale = 0.001;

const events: string[] = [];
let second: () => Promise<StepResult> = async () => {};
let undoSecond: () => Promise<void> = async () => {};
let parking: (jobId: string) => Promise<void> = async () => {};
let retryWindow: number | null = 0;

const LAID = { code: 'laid', params: { bricks: 7 } };
const NO_ROOM = { code: 'no_room', params: {} };
const saga = defineSaga({
	name: 'tests.build',
	topic: 'test',
	state: z.object({ built: z.number() }),
	retryWindow: async () => retryWindow,
	steps: [
		{
			name: 'first',
			run: async (context) => {
				events.push('first');
				await context.save({ built: context.state.built + 1 });
				return { message: LAID };
			},
			undo: async () => void events.push('undo first')
		},
		{
			name: 'second',
			attempts: 4,
			run: async () => {
				events.push('second');
				return second();
			},
			undo: async () => {
				events.push('undo second');
				await undoSecond();
			}
		}
	],
	onWaiting: async (_tx, { jobId }) => parking(jobId),
	onSucceeded: async () => void events.push('succeeded'),
	onFailed: async (_tx, _run, failure) =>
		void events.push(`failed ${failure.step} ${failure.code}`),
	onCompensating: async (_tx, _run, reason) => void events.push(`compensating: ${reason}`),
	onCompensated: async () => void events.push('compensated'),
	onUndoFailed: async (_tx, _run, failure) => void events.push(`left behind ${failure.step}`)
});

const start = () =>
	transaction((tx) =>
		startSaga(tx, saga, { subjectId: randomUUID(), customerId: null, state: { built: 0 } })
	);
const ended = (jobId: string, status: string) =>
	eventually(async () => {
		const job = await db.provisioningJob.findUniqueOrThrow({
			where: { id: jobId },
			include: { steps: { orderBy: { position: 'asc' } } }
		});
		return job.status === status && job;
	});

const passing = (message: string) => Object.assign(new Error(message), { retryable: true });

beforeEach(() => {
	events.length = 0;
	second = async () => {};
	undoSecond = async () => {};
	parking = async () => {};
	retryWindow = 0;
});

describe('a saga', () => {
	it('runs its steps in order and keeps state and lines', async () => {
		const job = await ended(await start(), 'succeeded');
		expect(events).toEqual(['first', 'second', 'succeeded']);
		expect(job.state).toEqual({ built: 1 });
		expect(job.steps.map(({ status, attempts, message }) => [status, attempts, message])).toEqual([
			['done', 1, LAID],
			['done', 1, null]
		]);
	});

	it('tries a fault that may pass again, and does not repeat what is done', async () => {
		let calls = 0;
		second = async () => {
			if (++calls < 3) throw passing('busy');
		};
		const job = await ended(await start(), 'succeeded');
		expect(events).toEqual(['first', 'second', 'second', 'second', 'succeeded']);
		expect(job.steps[1]?.attempts).toBe(3);
		const lines = await db.logEntry.findMany({ where: { jobId: job.id } });
		expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
			'warning busy',
			'warning busy'
		]);
	});

	it('says why it failed by a name with values, and keeps the raw words beside it', async () => {
		second = async () => {
			throw Object.assign(new Error('no space left'), { vendor: 'proxmox' });
		};
		const job = await ended(await start(), 'compensated');
		expect(job.steps[1]).toMatchObject({
			...{ errorCode: 'VENDOR_FAILED', errorParams: { vendor: 'proxmox' } },
			error: 'no space left'
		});
	});

	it('fails with words that PostgreSQL cannot store, too', async () => {
		second = async () => {
			throw new Error('Unexpected token \0 in "\0garbage"');
		};
		undoSecond = async () => {
			throw new Error('\0');
		};
		const job = await ended(await start(), 'compensated');
		expect(job.steps[1]?.error).toBe('Unexpected token \ufffd in "\ufffdgarbage"');
	});

	it('replaces the line of an older version when the step says something', async () => {
		second = async () => ({ wait: 3600, message: NO_ROOM, reason: 'test' });
		const jobId = await start();
		await ended(jobId, 'waiting');
		await db.provisioningStep.updateMany({ where: { jobId }, data: { detail: 'a line' } });
		second = async () => ({ message: LAID });
		await transaction((tx) => wakeSaga(tx, jobId));
		const job = await ended(jobId, 'succeeded');
		expect(job.steps[1]).toMatchObject({ detail: null, message: LAID });
	});

	it('undoes in reverse when a step fails for good', async () => {
		second = async () => {
			throw passing('down');
		};
		const job = await ended(await start(), 'compensated');
		expect(events.filter((event) => event === 'second')).toHaveLength(4);
		expect(events.slice(-5)).toEqual([
			'failed second INTERNAL',
			'compensating: down',
			'undo second',
			'undo first',
			'compensated'
		]);
		expect(job.steps.map(({ status }) => status)).toEqual(['undone', 'undone']);
	});

	it('goes on undoing when one undo fails, and leaves that to somebody', async () => {
		second = async () => {
			throw new AppError('NO_CAPACITY');
		};
		undoSecond = async () => {
			throw passing('still down');
		};
		await ended(await start(), 'compensated');
		expect(events.slice(-3)).toEqual(['left behind second', 'undo first', 'compensated']);
	});

	it('is undone at once when going on makes no sense', async () => {
		retryWindow = null;
		second = async () => {
			throw new SagaStop('cancelled');
		};
		await ended(await start(), 'compensated');
		expect(events).toEqual([
			'first',
			'second',
			'compensating: cancelled',
			'undo second',
			'undo first',
			'compensated'
		]);
	});

	it('waits for staff within its window, and goes on where it failed', async () => {
		retryWindow = 3600;
		second = async () => {
			throw new AppError('NO_CAPACITY');
		};
		const jobId = await start();
		await ended(jobId, 'failed');
		second = async () => {};
		await transaction((tx) => retrySaga(tx, jobId));
		await ended(jobId, 'succeeded');
		expect(events).toEqual(['first', 'second', 'failed second NO_CAPACITY', 'second', 'succeeded']);
		await expect(transaction((tx) => compensateSaga(tx, jobId, 'too late'))).rejects.toMatchObject({
			code: 'WRONG_STATE'
		});
	});

	it('parks a long wait without using up an attempt and wakes when told', async () => {
		let room = false;
		second = async () =>
			room ? undefined : { wait: 3600, message: NO_ROOM, reason: 'NO_CAPACITY' };
		const jobId = await start();
		const waiting = await ended(jobId, 'waiting');
		expect(waiting).toMatchObject({
			reason: 'NO_CAPACITY',
			steps: [{}, { status: 'pending', attempts: 0, message: NO_ROOM }]
		});
		room = true;
		await transaction((tx) => wakeSaga(tx, jobId));
		expect((await ended(jobId, 'succeeded')).steps[1]?.attempts).toBe(1);
	});

	it('has one job in the queue however often it is woken, and loses no waking', async () => {
		const looks: number[] = [];
		let told: (() => void) | null = null;
		second = async () => {
			looks.push(Date.now());
			// Woken while it looks: it must look again, since what it saw may be old.
			if (told) await new Promise<void>((resolve) => (told!(), (told = null), resolve()));
			return { wait: 3600, message: NO_ROOM, reason: 'test' };
		};
		const jobId = await start();
		await ended(jobId, 'waiting');
		const queued = () =>
			db.$queryRaw<object[]>`
				SELECT 1 FROM pgboss.job WHERE name = 'sagas.run' AND singleton_key = ${jobId} AND state = 'created'`;
		for (let times = 0; times < 5; times++) await transaction((tx) => wakeSaga(tx, jobId));
		// A waking that is taken at this moment leaves none for an instant.
		await eventually(async () => looks.length >= 2 && (await queued()).length === 1);

		const seen = looks.length;
		const waking = new Promise<void>((resolve, reject) => {
			told = () => void transaction((tx) => wakeSaga(tx, jobId)).then(resolve, reject);
		});
		await transaction((tx) => wakeSaga(tx, jobId));
		await waking;
		await eventually(async () => looks.length >= seen + 2);
		await eventually(async () => (await queued()).length === 1);
		expect(looks.length).toBeGreaterThanOrEqual(seen + 2);
	});

	it('hears a waking that is committed while it parks', async () => {
		let looks = 0;
		second = async () => {
			looks += 1;
			return looks === 1 ? { wait: 3600, reason: 'NO_ROOM', message: NO_ROOM } : undefined;
		};
		parking = (jobId) => transaction((tx) => wakeSaga(tx, jobId));
		await ended(await start(), 'succeeded');
		expect(looks).toBe(2);
	});

	it('refuses a second unfinished run of one subject', async () => {
		second = async () => ({ wait: 3600, message: NO_ROOM, reason: 'test' });
		const jobId = await start();
		const { subjectId } = await ended(jobId, 'waiting');
		const again = transaction((tx) =>
			startSaga(tx, saga, { subjectId, customerId: null, state: { built: 0 } })
		);
		await expect(again).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
	});

	it('lets a worker that lost its claim write nothing', async () => {
		second = async () => ({ wait: 3600, message: NO_ROOM, reason: 'test' });
		const jobId = await start();
		await ended(jobId, 'waiting');
		const stalled = (await claimRun(jobId))!;
		await claimRun(jobId);
		const late = writeClaimed(stalled, { status: 'succeeded' }, async (tx) =>
			tx.logEntry.create({ data: { source: 'test', level: 'info', message: 'late' } })
		);
		await expect(late).rejects.toThrow('taken by another worker');
		expect(await db.logEntry.count({ where: { message: 'late' } })).toBe(0);
	});

	it('does nothing on a run that has ended', async () => {
		const jobId = await start();
		await ended(jobId, 'succeeded');
		events.length = 0;
		await runSaga(jobId, new AbortController().signal);
		expect(events).toEqual([]);
	});
});
