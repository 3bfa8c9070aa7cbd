import { z } from 'zod';
import type { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from './db.server.ts';
import { AppError, type ErrorCode } from './errors.ts';
import { defineJob, enqueue, ONE_PER_KEY } from './queue.server.ts';

declare module './queue.server.ts' {
	interface JobMap {
		'sagas.run': { jobId: string };
		'sagas.expire': { jobId: string };
		'sagas.reap': Record<string, never>;
	}
}

/** Who a run is for: what vendor calls and log lines are filed under. */
export interface SagaTrace {
	jobId: string;
	stepName: string;
	customerId?: string;
	subjectId: string;
}

export interface StepContext<S> {
	trace: SagaTrace;
	jobId: string;
	/** The row that the run is about. */
	subjectId: string;
	customerId: string | null;
	/** What the run remembers; changed through `save` alone. */
	state: Readonly<S>;
	/** How often this step was begun, this time included. */
	attempt: number;
	/** Aborted when another worker took the run or this one shuts down. */
	signal: AbortSignal;
	/** Stores a part of the state at once. @throws {ClaimLost} when another worker has the run */
	save(patch: Partial<S>): Promise<void>;
	/** A transaction that commits only while this worker has the run. */
	write<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
	log(level: 'debug' | 'info' | 'warning' | 'error', message: string, data?: object): Promise<void>;
	/** Waits up to 10 s without holding anything. */
	sleep(seconds: number): Promise<void>;
}

/** What a step did or waits for. The saga's area has the words; they are made where and by whom it is read. */
export interface StepMessage {
	code: string;
	params: Record<string, string | number>;
}

/** The step must look again after `wait` seconds; until then it holds no worker when that is more than a few. */
export interface StepWait {
	wait: number;
	message: StepMessage;
	/** A code, by which `onWaiting` knows what it waits for. */
	reason: string;
}

/** What a step answers: what it did, or that it must wait. Nothing: done without a word. */
export type StepResult = void | { message: StepMessage } | StepWait;

export interface Step<S> {
	name: string;
	/** Looks before it acts; may run any number of times. */
	run(context: StepContext<S>): Promise<StepResult>;
	/** Takes back what this run created and nothing else; may run any number of times. */
	undo?(context: StepContext<S>): Promise<void>;
	/** Tries before a fault that may pass counts as final. */
	attempts?: number;
}

export interface SagaRun<S> {
	jobId: string;
	subjectId: string;
	customerId: string | null;
	state: S;
}

export interface Saga<S extends object> {
	name: string;
	/** Topic of the live notices: `<topic>:<subjectId>`. */
	topic: string;
	state: z.ZodType<S>;
	/** Of the state what says since when a step waits: forgotten when staff try again, so that it waits as long as before. */
	waits?: (keyof S & string)[];
	steps: Step<S>[];
	/** Runs before each step. @throws {SagaStop} when going on makes no sense */
	before?(context: StepContext<S>): Promise<void>;
	/**
	 * Seconds that a failed run waits for staff before it is undone; null waits for ever.
	 * @param step that failed
	 */
	retryWindow(step: string): Promise<number | null>;
	/** Each runs in the transaction that changes the status. */
	onRunning?(tx: Tx, run: SagaRun<S>): Promise<void>;
	onStepDone?(tx: Tx, run: SagaRun<S>, step: string): Promise<void>;
	onWaiting?(tx: Tx, run: SagaRun<S>, reason: string): Promise<void>;
	onSucceeded?(tx: Tx, run: SagaRun<S>): Promise<void>;
	onFailed?(
		tx: Tx,
		run: SagaRun<S>,
		failure: { step: string; code: string; message: string }
	): Promise<void>;
	/** @param reason for staff and the audit log, in English */
	onCompensating?(tx: Tx, run: SagaRun<S>, reason: string): Promise<void>;
	onCompensated?(tx: Tx, run: SagaRun<S>): Promise<void>;
	/** A step that could not be undone becomes somebody's work. */
	onUndoFailed?(tx: Tx, run: SagaRun<S>, failure: { step: string; message: string }): Promise<void>;
}

/** Going on makes no sense: the run is undone at once. */
export class SagaStop extends Error {
	override name = 'SagaStop';
	readonly code: ErrorCode;

	/** @param message for the log, in English */
	constructor(message: string, code: ErrorCode = 'NOT_OWED') {
		super(message);
		this.code = code;
	}
}

/** Another worker has the run; this one must write nothing more. */
export class ClaimLost extends Error {
	override name = 'ClaimLost';
}

// Each saga has a state of its own, which its schema checks whenever a run is loaded.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnySaga = Saga<any>;

const sagas = new Map<string, AnySaga>();

/** Declares a saga. Importing its module is what registers it. */
export function defineSaga<S extends object>(saga: Saga<S>): Saga<S> {
	sagas.set(saga.name, saga);
	return saga;
}

export function sagaNamed(name: string): AnySaga {
	const saga = sagas.get(name);
	if (!saga) throw new Error(`no saga is called ${name}`);
	return saga;
}

/**
 * Starts a run as part of `tx`.
 * @returns the id of the run
 * @throws {AppError} ALREADY_RUNNING when the subject has an unfinished run
 */
export async function startSaga<S extends object>(
	tx: Tx,
	saga: Saga<S>,
	about: { subjectId: string; customerId: string | null; state: S }
): Promise<string> {
	const unfinished = await tx.provisioningJob.findFirst({
		where: {
			subjectId: about.subjectId,
			status: { in: ['queued', 'running', 'waiting', 'compensating'] }
		},
		select: { id: true }
	});
	if (unfinished) throw new AppError('ALREADY_RUNNING');
	const job = await tx.provisioningJob.create({
		data: {
			saga: saga.name,
			subjectId: about.subjectId,
			customerId: about.customerId,
			state: saga.state.parse(about.state) as Prisma.InputJsonObject,
			steps: {
				create: saga.steps.map((step, position) => ({
					position,
					name: step.name,
					customerId: about.customerId
				}))
			}
		},
		select: { id: true }
	});
	await wakeSaga(tx, job.id);
	return job.id;
}

/**
 * Lets a waiting run look again now. Whatever it had in the queue is replaced, so that being woken often does not make
 * it look more often for ever.
 * @param before whether it goes before runs that are only beginning
 */
export async function wakeSaga(tx: Tx, jobId: string, before = false): Promise<void> {
	// A job that a worker takes at this moment is waited for, and is then no longer one that could see our change.
	await tx.$executeRaw`
		DELETE FROM pgboss.job WHERE name = 'sagas.run' AND singleton_key = ${jobId} AND state = 'created'`;
	await enqueue(tx, 'sagas.run', { jobId }, { key: jobId, ...(before && { priority: 1 }) });
}

/** Lets a run that parks look again later, unless it has been woken meanwhile. */
export async function wakeSagaLater(tx: Tx, jobId: string, at: Date): Promise<void> {
	// By the clock, since `now()` is when this transaction began: a waking that came after that is none for later.
	await tx.$executeRaw`
		DELETE FROM pgboss.job WHERE name = 'sagas.run' AND singleton_key = ${jobId} AND state = 'created' AND start_after > clock_timestamp()`;
	const woken = await tx.$queryRaw<object[]>`
		SELECT 1 FROM pgboss.job WHERE name = 'sagas.run' AND singleton_key = ${jobId} AND state = 'created' FOR UPDATE`;
	if (woken.length === 0) await enqueue(tx, 'sagas.run', { jobId }, { key: jobId, startAfter: at });
}

/**
 * Takes a failed run up again at the step that failed, with fresh attempts.
 * @throws {AppError} WRONG_STATE when it has not failed
 */
export async function retrySaga(tx: Tx, jobId: string): Promise<void> {
	const run = await leaveFailed(tx, jobId, 'queued');
	const { waits = [] } = sagaNamed(run.saga);
	await tx.$executeRaw`
		UPDATE provisioning_jobs SET state = state - ${waits}::text[] WHERE id = ${jobId}::uuid`;
	await tx.provisioningStep.updateMany({
		where: { jobId, status: 'failed' },
		data: { status: 'pending', attempts: 0 }
	});
	await wakeSaga(tx, jobId);
}

/**
 * Undoes a failed run without waiting for the end of its retry window.
 * @throws {AppError} WRONG_STATE when it has not failed
 */
export async function compensateSaga(tx: Tx, jobId: string, reason: string): Promise<void> {
	const run = await leaveFailed(tx, jobId, 'compensating');
	await sagaNamed(run.saga).onCompensating?.(tx, runOf(run), reason);
	await wakeSaga(tx, jobId);
}

async function leaveFailed(tx: Tx, jobId: string, to: 'queued' | 'compensating') {
	const changed = await tx.provisioningJob.updateMany({
		where: { id: jobId, status: 'failed' },
		data: { status: to, reason: null, finishedAt: null, claim: { increment: 1 } }
	});
	const run = await tx.provisioningJob.findUniqueOrThrow({ where: { id: jobId } });
	if (changed.count === 0) throw new AppError('WRONG_STATE', { params: { from: run.status, to } });
	return run;
}

export function runOf(row: {
	id: string;
	saga: string;
	subjectId: string;
	customerId: string | null;
	state: unknown;
}): SagaRun<object> {
	return {
		jobId: row.id,
		subjectId: row.subjectId,
		customerId: row.customerId,
		state: sagaNamed(row.saga).state.parse(row.state) as object
	};
}

const jobPayload = z.object({ jobId: z.uuid() });

/** Registers the jobs that drive sagas; the runner is given so that this file does not import it. */
export function defineSagaJobs(runner: {
	run(jobId: string, signal: AbortSignal): Promise<void>;
	expire(jobId: string): Promise<void>;
	reap(): Promise<void>;
}): void {
	defineJob({
		name: 'sagas.run',
		payload: jobPayload,
		run: ({ jobId }, { signal }) => runner.run(jobId, signal),
		concurrency: 20,
		pollSeconds: 0.5,
		queue: {
			...ONE_PER_KEY,
			heartbeatSeconds: 10,
			retryDelay: 1,
			retryDelayMax: 5,
			expireInSeconds: 3600
		}
	});
	defineJob({
		name: 'sagas.expire',
		payload: jobPayload,
		run: ({ jobId }) => runner.expire(jobId)
	});
	defineJob({
		name: 'sagas.reap',
		payload: z.object({}),
		run: () => runner.reap(),
		schedule: { cron: '* * * * *', payload: {} },
		queue: { policy: 'short', retryLimit: 0 }
	});
}
