import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import { cached } from './cache.server.ts';
import { db } from './db.server.ts';
import { log } from './log.server.ts';

/** A registry of our own: Vite's dev server may load this module again. */
const registry = new Registry();
const registers = [registry];

const httpSeconds = new Histogram({
	name: 'erp_http_request_duration_seconds',
	help: 'Time to answer a request, by route',
	labelNames: ['method', 'route', 'status'],
	buckets: [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
	registers
});
const jobSeconds = new Histogram({
	name: 'erp_job_duration_seconds',
	help: 'Time that one run of a job took; failed ones are those with outcome="failed"',
	labelNames: ['job', 'outcome'],
	buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900],
	registers
});
const vendorSeconds = new Histogram({
	name: 'erp_vendor_call_duration_seconds',
	help: 'Time until a vendor answered, or the call failed',
	labelNames: ['vendor', 'operation', 'outcome'],
	buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
	registers
});
const scrapeFailures = new Counter({
	name: 'erp_metrics_read_failures_total',
	help: 'Scrapes at which the database could not be asked',
	registers
});

/** Every process tells the same of these, which are counted in the database: take the maximum over processes. */
const COUNTED_SECONDS = 15;
const counts = z.array(z.object({ name: z.string(), state: z.string(), count: z.number() }));

const queueJobs: Gauge<'job' | 'state'> = new Gauge({
	name: 'erp_queue_jobs',
	help: 'Jobs in the queue: waiting, of these due later (deferred), running, failed for good',
	labelNames: ['job', 'state'],
	registers,
	// pg-boss counts them every five seconds.
	collect: () =>
		gather(
			queueJobs,
			'job',
			'metrics.queue',
			() =>
				db.$queryRaw`
				SELECT name, state, count FROM pgboss.queue,
					LATERAL (VALUES ('waiting', queued_count), ('deferred', deferred_count), ('running', active_count),
						('failed', failed_count)) AS states (state, count)`
		)
});
const sagaRuns: Gauge<'saga' | 'state'> = new Gauge({
	name: 'erp_saga_runs',
	help: 'Runs of sagas by status, all that ever were',
	labelNames: ['saga', 'state'],
	registers,
	collect: () =>
		gather(
			sagaRuns,
			'saga',
			'metrics.sagas',
			() =>
				db.$queryRaw`
				SELECT saga AS name, status::text AS state, count(*)::int AS count
				FROM provisioning_jobs GROUP BY saga, status`
		)
});

/** Fills a gauge from the database; what is not known is not told. */
async function gather(
	gauge: Gauge<string>,
	label: string,
	key: string,
	read: () => Promise<unknown>
): Promise<void> {
	gauge.reset();
	try {
		const rows = await cached(key, COUNTED_SECONDS, counts, async () => counts.parse(await read()));
		for (const { name, state, count } of rows) gauge.set({ [label]: name, state }, count);
	} catch (error) {
		scrapeFailures.inc();
		log.warn({ err: error, metric: key }, 'a metric could not be read');
	}
}

/** Counts an answered request. @param route SvelteKit's id of the route; null where there is none */
export function countRequest(
	request: { method: string; route: string | null; status: number },
	seconds: number
): void {
	const { method, route, status } = request;
	httpSeconds.observe({ method, route: route ?? 'none', status }, seconds);
}

/** Runs one job and counts how long it took. */
export function timeJob<T>(job: string, run: () => Promise<T>): Promise<T> {
	return timed(run, (failed, seconds) =>
		jobSeconds.observe({ job, outcome: failed ? 'failed' : 'succeeded' }, seconds)
	);
}

/** Sends a call to a vendor and counts how long the answer took. */
export function timeVendorCall<T>(
	{ vendor, operation }: { vendor: string; operation: string },
	send: () => Promise<T>
): Promise<T> {
	return timed(send, (failed, seconds) =>
		vendorSeconds.observe({ vendor, operation, outcome: failed ? 'failed' : 'succeeded' }, seconds)
	);
}

async function timed<T>(
	work: () => Promise<T>,
	ended: (failed: boolean, seconds: number) => void
): Promise<T> {
	const begun = performance.now();
	const seconds = () => (performance.now() - begun) / 1_000;
	try {
		const result = await work();
		ended(false, seconds());
		return result;
	} catch (error) {
		ended(true, seconds());
		throw error;
	}
}

export interface MetricsServer {
	port: number;
	stop(): void;
}

let observesProcess = false;

/**
 * Serves `GET /metrics` on a port of its own, which no proxy passes on: it needs no login.
 * @param port 0 takes a free one
 * @throws {Error} when the port is taken
 */
export async function startMetrics(port: number, host: string): Promise<MetricsServer> {
	// Memory, event loop, garbage collection: of no use where nobody asks.
	if (!observesProcess) collectDefaultMetrics({ register: registry });
	observesProcess = true;
	const server = createServer((request, response) => {
		if (request.method !== 'GET' || request.url !== '/metrics') {
			response.writeHead(404).end();
			return;
		}
		registry.metrics().then(
			(text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
			(error: unknown) => {
				log.error({ err: error }, 'the metrics could not be written');
				response.writeHead(500).end();
			}
		);
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, host, resolve);
	});
	return {
		port: (server.address() as AddressInfo).port,
		stop: () => {
			server.close();
			server.closeAllConnections();
		}
	};
}
