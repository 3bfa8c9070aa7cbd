import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { FaultRequest } from '../../../sandbox/kernel/faults.ts';
import { testCluster } from '../../../sandbox/proxmox/testing.ts';
import { unrecorded } from '../record.ts';
import { ProxmoxError } from './errors.ts';
import { proxmox } from './proxmox.server.ts';
import { nodeOfTask, taskSucceeded } from './tasks.ts';

const pve = await testCluster();
const { kernel, cluster } = pve;
const [access] = pve.standIn.nodes;
const config = {
	baseUrl: access!.url,
	token: access!.token,
	fingerprint: access!.fingerprint,
	timeoutMs: 2000
};
const client = proxmox(config, unrecorded);
const wait = (upid: string, timeoutMs = 5000) => client.waitTask(upid, { timeoutMs, pollMs: 5 });
const fault = (match: string, kind: FaultRequest['kind'], more: Partial<FaultRequest> = {}) =>
	kernel.faults.add({ target: 'proxmox', match, kind, ...more });
const calls = (match: string) => kernel.calls.list({ vendor: 'proxmox', match }).length;
const failure = (promise: Promise<unknown>): Promise<ProxmoxError> =>
	promise.then(
		() => Promise.reject(new Error('it did not fail')),
		(error: unknown) => (error instanceof ProxmoxError ? error : Promise.reject(error))
	);

afterAll(async () => {
	await pve.close();
});
beforeEach(() => kernel.reset());

describe('lost answers', () => {
	test('reads are tried again', async () => {
		fault('GET /api2/json/version', 'reset');
		fault('GET /api2/json/version', 'status', { status: 502 });
		expect((await client.version()).release).toBe('9.1');
	});

	test('changes are sent once, and may have happened', async () => {
		for (const [index, kind] of (['reset', 'malformed', 'status', 'timeout'] as const).entries()) {
			fault('clone$', kind, { when: 'after', status: 504 });
			const hasty = proxmox({ ...config, timeoutMs: 200 }, unrecorded);
			const before = calls('POST .*clone$');
			const error = await failure(hasty.clone('pve1', 9018, { newid: 201 + index, full: true }));
			expect(error).toMatchObject({ ambiguous: true, retryable: false });
			await expect.poll(() => calls('POST .*clone$')).toBe(before + 1);
			await expect
				.poll(() => cluster.state.containers[201 + index]?.config.lock ?? 'free')
				.toBe('free');
			expect((await client.tasks('pve1', { vmid: 9018 }))[0]).toMatchObject({
				type: 'vzclone',
				status: 'OK'
			});
		}
	});

	test('a 500 without a reason is unclear, one with a reason is a no', async () => {
		fault('clone$', 'status', { status: 500, body: '' });
		expect(await failure(client.clone('pve1', 9018, { newid: 201 }))).toMatchObject({
			kind: 'vendor',
			ambiguous: true
		});
		expect(await failure(client.stop('pve1', 9018))).toMatchObject({
			kind: 'refused',
			ambiguous: false,
			message: 'CT 9018 not running'
		});
	});

	test.each([
		'cluster not ready - no quorum?',
		"error: cfs-lock 'file-replication_cfg' error: no quorum!",
		"unable to open file '/etc/pve/nodes/pve1/lxc/101.conf.tmp.4242' - Permission denied"
	])('a cluster without a majority is waited for: %s', async (message) => {
		fault('clone$', 'status', { body: JSON.stringify({ data: null, message }) });
		expect(await failure(client.clone('pve1', 9018, { newid: 201 }))).toMatchObject({
			...{ kind: 'no_quorum', retryable: true, ambiguous: false, refusal: { code: 'NO_QUORUM' } }
		});
		fault('^TASK vzclone', 'status', { body: message });
		const upid = await client.clone('pve1', 9018, { newid: 201 });
		expect(await failure(wait(upid))).toMatchObject({ kind: 'no_quorum', retryable: true });
	});
});

describe('tasks', () => {
	test('end well with OK and with warnings, and in no other way', () => {
		expect(
			['OK', 'WARNINGS: 3', 'unexpected status', 'WARNINGS: x', 'command failed', undefined].map(
				taskSucceeded
			)
		).toEqual([true, true, false, false, false, false]);
	});

	test('warnings are counted', async () => {
		fault('TASK vzclone', 'malformed');
		expect(await wait(await client.clone('pve1', 9018, { newid: 201, full: true }))).toMatchObject({
			exitStatus: 'WARNINGS: 1',
			warnings: 1
		});
	});

	test('a failed one throws its exit status, a cut-off one is ambiguous', async () => {
		fault('TASK vzclone', 'status', { body: 'clone failed: copy error' });
		const upid = await client.clone('pve1', 9018, { newid: 201, full: true });
		expect(await failure(wait(upid))).toMatchObject({
			kind: 'task_failed',
			message: 'clone failed: copy error',
			upid,
			ambiguous: false
		});
		fault('TASK vzclone', 'status', { body: 'unexpected status' });
		expect(
			await failure(wait(await client.clone('pve1', 9018, { newid: 201, full: true })))
		).toMatchObject({ ambiguous: true });
	});

	test('a late one is still running when the time is up, and is found when it has ended', async () => {
		fault('TASK vzclone', 'delay', { ms: 150 });
		const upid = await client.clone('pve1', 9018, { newid: 201, full: true });
		expect(nodeOfTask(upid)).toBe('pve1');
		expect(await failure(wait(upid, 20))).toMatchObject({
			kind: 'task_running',
			ambiguous: true,
			upid
		});
		expect((await client.tasks('pve1', { source: 'active' })).map((row) => row.upid)).toEqual([
			upid
		]);
		expect(await wait(upid)).toMatchObject({ exitStatus: 'OK' });
	});

	test('polls that fail for a moment are forgiven', async () => {
		const upid = await client.clone('pve1', 9018, { newid: 201, full: true });
		fault('/status$', 'reset', { times: 4 });
		expect(await wait(upid)).toMatchObject({ exitStatus: 'OK' });
	});

	test('a task of a node that is down is waited for, not given up', async () => {
		const upid = await client.clone('pve1', 9018, { newid: 201, full: true, target: 'pve2' });
		await wait(upid);
		const start = await client.start('pve2', 201);
		cluster.setOnline('pve2', false);
		setTimeout(() => cluster.setOnline('pve2', true), 300);
		const ended = await wait(start).catch((error: ProxmoxError) => error.kind);
		expect(ended).toSatisfy((end: unknown) => end === 'task_failed' || typeof end === 'object');
	});
});
