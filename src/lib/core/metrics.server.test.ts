import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import { recorder } from '../logs/calls.server.ts';
import { forget } from './cache.server.ts';
import { db, transaction } from './db.server.ts';
import { countRequest, type MetricsServer, startMetrics } from './metrics.server.ts';
import { defineJob, enqueue } from './queue.server.ts';

declare module './queue.server.ts' {
	interface JobMap {
		'tests.measured': { fails: boolean };
	}
}

await testDatabase();
defineJob({
	name: 'tests.measured',
	payload: z.object({ fails: z.boolean() }),
	run: async ({ fails }) => {
		if (fails) throw new Error('as asked');
	},
	queue: { retryLimit: 0 }
});
await testQueue({ work: true });

let server: MetricsServer;
beforeAll(async () => {
	server = await startMetrics(0, '127.0.0.1');
});
afterAll(() => server.stop());

async function scrape(path = '/metrics') {
	const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
	return { status: answer.status, lines: (await answer.text()).split('\n') };
}

test('tells how long requests, jobs and calls to vendors took, and what failed', async () => {
	countRequest({ method: 'GET', route: '/(public)', status: 200 }, 0.012);
	await transaction(async (tx) => {
		await enqueue(tx, 'tests.measured', { fails: false });
		await enqueue(tx, 'tests.measured', { fails: true });
	});
	const record = recorder();
	const call = { vendor: 'dns', operation: 'dns.look', request: {} };
	await record({ ...call, changes: false }, async () => 'found');
	const refused = record({ ...call, changes: true }, () => Promise.reject(new Error('refused')));
	await expect(refused).rejects.toThrow('refused');

	const wanted = [
		'erp_http_request_duration_seconds_bucket{le="0.02",method="GET",route="/(public)",status="200"} 1',
		'erp_http_request_duration_seconds_bucket{le="0.01",method="GET",route="/(public)",status="200"} 0',
		'erp_job_duration_seconds_count{job="tests.measured",outcome="succeeded"} 1',
		'erp_job_duration_seconds_count{job="tests.measured",outcome="failed"} 1',
		'erp_vendor_call_duration_seconds_count{vendor="dns",operation="dns.look",outcome="succeeded"} 1',
		'erp_vendor_call_duration_seconds_count{vendor="dns",operation="dns.look",outcome="failed"} 1'
	];
	const lines = await eventually(async () => {
		const { lines } = await scrape();
		return wanted.every((line) => lines.includes(line)) && lines;
	});
	expect(lines).toEqual(expect.arrayContaining(wanted));
	expect(lines.some((line) => line.startsWith('process_resident_memory_bytes '))).toBe(true);
});

test('tells how many jobs wait and how runs of sagas stand', async () => {
	for (const status of ['succeeded', 'succeeded', 'waiting'] as const)
		await db.provisioningJob.create({
			data: { saga: 'tenants.create', subjectId: randomUUID(), status }
		});
	await db.$executeRaw`UPDATE pgboss.queue SET deferred_count = 7 WHERE name = 'tests.measured'`;
	await forget('metrics.sagas');
	await forget('metrics.queue');
	const { lines } = await scrape();
	expect(lines).toContain('erp_saga_runs{saga="tenants.create",state="succeeded"} 2');
	expect(lines).toContain('erp_saga_runs{saga="tenants.create",state="waiting"} 1');
	expect(lines).toContain('erp_queue_jobs{job="tests.measured",state="deferred"} 7');
	expect(lines).toContain('erp_metrics_read_failures_total 0');
});

test('has nothing else on its port', async () => {
	expect((await scrape('/')).status).toBe(404);
});
