import { fromPrisma, PgBoss, type Queue } from 'pg-boss';
import type { z } from 'zod';
import type { Tx } from './db.server.ts';
import { env } from './env.server.ts';
import { refusalIn } from './errors.ts';
import { publish } from './live.server.ts';
import { log } from './log.server.ts';
import { timeJob } from './metrics.server.ts';
import { queueTopic, startWorkers } from './workers.server.ts';

/**
 * Every job by name with its payload. Each area adds its own by declaration merging:
 * `declare module '#lib/core/queue.server.ts' { interface JobMap { 'backups.run': { policyId: string } } }`.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface JobMap {}
export type JobName = keyof JobMap & string;

export interface JobRun {
	/** Aborted when the worker lost its claim on the job or is shutting down. */
	signal: AbortSignal;
}

export interface JobDefinition<N extends JobName> {
	name: N;
	payload: z.ZodType<JobMap[N]>;
	run: (payload: JobMap[N], job: JobRun) => Promise<unknown>;
	/** Five fields of cron in UTC with the payload of each run. */
	schedule?: { cron: string; payload: JobMap[N] };
	/** Jobs of this name that one worker process runs at a time. */
	concurrency?: number;
	queue?: Omit<Queue, 'name'>;
	/** Seconds between looks for jobs whose start time has come; those that can run at once are heard of. */
	pollSeconds?: number;
}

// Definitions differ in their payload, which each checks itself when it runs.
type AnyDefinition = Omit<JobDefinition<JobName>, 'payload' | 'run' | 'schedule'> & {
	schedule?: { cron: string; payload: object };
	runUnchecked: (payload: unknown, job: JobRun) => Promise<unknown>;
};

const definitions = new Map<string, AnyDefinition>();

/** Declares a job. Importing its module is what registers it: see src/lib/jobs/registry.server.ts. */
export function defineJob<N extends JobName>(definition: JobDefinition<N>): void {
	const { payload: schema, run, ...rest } = definition;
	definitions.set(definition.name, {
		...rest,
		schedule: definition.schedule as { cron: string; payload: object } | undefined,
		runUnchecked: (payload, job) => run(schema.parse(payload), job)
	});
}

export interface EnqueueOptions {
	startAfter?: Date | number;
	/** What a `key_strict_fifo`, `singleton` or `short` queue counts by. */
	key?: string;
	/** Jobs with a higher one run first; 0 by default. */
	priority?: number;
}

let boss: PgBoss | null = null;
/** Tells running jobs that this process ends; what they were at is taken up again by the next. */
let stopping = new AbortController();

/**
 * Puts a job into the queue as part of `tx`: it exists if and only if the transaction commits.
 * @throws {Error} when the name was never defined or the queue has not been started
 */
export async function enqueue<N extends JobName>(
	tx: Tx,
	name: N,
	payload: JobMap[N],
	options: EnqueueOptions = {}
): Promise<void> {
	if (!boss) throw new Error('the queue has not been started');
	if (!definitions.has(name)) throw new Error(`no job is called ${name}`);
	await boss.send(name, payload as object, {
		db: fromPrisma(tx),
		...(options.startAfter !== undefined && { startAfter: options.startAfter }),
		...(options.priority !== undefined && { priority: options.priority }),
		...(options.key !== undefined && { singletonKey: options.key })
	});
	if (options.startAfter === undefined) await publish(tx, queueTopic(name));
}

/**
 * Puts a job into the queue for later, unless one of its key that waits begins by then anyway: what looks again and again,
 * and is asked for besides, stays one chain of looks. Two transactions at once may both find none: the caller holds a lock,
 * or is the key's only running job.
 */
export async function enqueueUnlessDue<N extends JobName>(
	tx: Tx,
	name: N,
	payload: JobMap[N],
	{ key, startAfter }: { key: string; startAfter: Date }
): Promise<void> {
	const waiting = await tx.$queryRaw<object[]>`
		SELECT 1 FROM pgboss.job WHERE name = ${name} AND singleton_key = ${key}
			AND state < 'active' AND start_after <= ${startAfter} LIMIT 1`;
	if (waiting.length === 0) await enqueue(tx, name, payload, { key, startAfter });
}

/**
 * Opens the queue: for sending only, or with workers for every defined job. Workers of a process that does not listen
 * (startListening) find their jobs by looking now and then.
 * Safe to call in many processes at once; the first creates what is missing.
 */
export async function startQueue(options: { work: boolean }): Promise<void> {
	if (boss) throw new Error('the queue was started already');
	const starting = new PgBoss({
		connectionString: env.DATABASE_DIRECT_URL ?? env.DATABASE_URL,
		application_name: `erp-core queue ${env.ROLE}`,
		max: options.work ? 8 : 3,
		supervise: options.work,
		schedule: options.work,
		superviseIntervalSeconds: 5,
		monitorIntervalSeconds: 5,
		// A `singleton` queue passes over the keys that were active when this was last read, usually a minute ago. Where
		// seconds matter, `ONE_PER_KEY` looks itself.
		queueCacheIntervalSeconds: 1,
		cronMonitorIntervalSeconds: 10,
		cronWorkerIntervalSeconds: 5,
		monitorVacuum: false
	});
	starting.on('error', (error) => log.error({ err: error }, 'queue'));
	starting.on('warning', (warning) => log.warn({ warning }, 'queue'));
	await starting.start();
	await declareQueues(starting);
	boss = starting;
	stopping = new AbortController();
	if (options.work) await startAllWorkers(starting, stopping.signal);
}

/**
 * Of one key one job at a time, in order, and no other key waits for it. One that failed for good would block its key, so
 * it is tried practically for ever.
 */
export const ONE_PER_KEY = {
	policy: 'key_strict_fifo',
	retryLimit: 1_000_000
} as const satisfies Omit<Queue, 'name'>;

const DEFAULTS: Omit<Queue, 'name'> = {
	policy: 'standard',
	// Workers listen for notices of our own: see workers.server.ts.
	notify: false,
	retryLimit: 5,
	retryDelay: 1,
	retryBackoff: true,
	retryDelayMax: 300,
	expireInSeconds: 900,
	// Without it a job whose worker was killed would wait for its expiry.
	heartbeatSeconds: 15,
	deleteAfterSeconds: 3 * 86_400
};

/** Creates the queues that are missing, and gives those of an earlier version of the product today's settings. */
async function declareQueues(queue: PgBoss): Promise<void> {
	const present = new Map((await queue.getQueues()).map((row) => [row.name, row]));
	for (const { name, queue: own } of definitions.values()) {
		const { policy, ...settings } = { ...DEFAULTS, ...own };
		const row = present.get(name);
		if (!row) await queue.createQueue(name, { policy, ...settings });
		else if (row.policy !== policy)
			throw new Error(
				`queue ${name} is ${row.policy}, must be ${policy}: a migration must delete it`
			);
		else if (Object.entries(settings).some(([key, value]) => Reflect.get(row, key) !== value))
			await queue.updateQueue(name, settings);
	}
}

/** Waits for running jobs to end, at most `seconds`, and closes the queue. */
export async function stopQueue(seconds = 20): Promise<void> {
	const closing = boss;
	boss = null;
	stopping.abort();
	await closing?.stop({ graceful: true, timeout: seconds * 1000 });
}

export function isQueueOpen(): boolean {
	return boss !== null;
}

/**
 * Jobs that earlier versions of the product ran by the clock and this one has no more. By name: what this version does not
 * know may be of a newer one, which another process runs already.
 */
const RETIRED = ['infrastructure.collect-metrics'];

async function startAllWorkers(queue: PgBoss, stop: AbortSignal): Promise<void> {
	for (const {
		name,
		concurrency = 1,
		pollSeconds = 5,
		schedule,
		runUnchecked
	} of definitions.values()) {
		const run = async (job: { id: string; data: unknown; signal: AbortSignal }) => {
			try {
				const signal = AbortSignal.any([job.signal, stop]);
				await timeJob(name, () => runUnchecked(job.data, { signal }));
			} catch (error) {
				const refusal = refusalIn(error);
				// Nothing went wrong: the queue asks again, and so do all that call the same vendor.
				if (refusal?.code === 'VENDOR_BUSY' || refusal?.code === 'NO_QUORUM')
					log.warn({ job: name, id: job.id, detail: refusal.message }, 'job waits for a vendor');
				else if (!stop.aborted) log.error({ err: error, job: name, id: job.id }, 'job failed');
				throw error;
			}
		};
		await startWorkers(queue, { name, concurrency, pollSeconds, run }, stop);
		if (schedule) await queue.schedule(name, schedule.cron, schedule.payload, { tz: 'UTC' });
	}
	for (const name of RETIRED) await queue.unschedule(name);
}
