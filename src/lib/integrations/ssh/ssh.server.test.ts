import { readFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { testCluster } from '../../../sandbox/proxmox/testing.ts';
import { startSsh } from '../../../sandbox/ssh/server.ts';
import { unrecorded, type RecordedCall } from '../record.ts';
import { SshError } from './errors.ts';
import { quote, ssh } from './ssh.server.ts';

const pve = await testCluster();
const standIn = await startSsh(pve.kernel, { ports: [], dataDir: null });
const [one, two] = standIn.nodes;
const privateKey = readFileSync(one!.key_path, 'utf8');
const config = {
	host: one!.host,
	port: one!.port,
	username: one!.user,
	privateKey,
	hostKey: one!.host_key
};
const client = ssh(config, unrecorded);
const failure = (promise: Promise<unknown>): Promise<SshError> =>
	promise.then(
		() => Promise.reject(new Error('it did not fail')),
		(error: unknown) => (error instanceof SshError ? error : Promise.reject(error))
	);

beforeAll(() => pve.runningContainer(301));
beforeEach(() => pve.kernel.faults.clear());
afterAll(async () => {
	await client.close();
	await standIn.close();
	await pve.close();
});

test('another host key than the pinned one is refused before the key is offered', async () => {
	const fooled = ssh({ ...config, hostKey: two!.host_key }, unrecorded);
	const before = pve.kernel.calls.list({ vendor: 'ssh' }).length;
	expect(await failure(fooled.exec(['pct', 'list']))).toMatchObject({
		kind: 'untrusted',
		retryable: false,
		ambiguous: false
	});
	expect(pve.kernel.calls.list({ vendor: 'ssh' })).toHaveLength(before);
});

test('an unknown key is unauthorized, a closed port unreachable', async () => {
	const other = ssh(
		{ ...config, privateKey: ssh2.utils.generateKeyPairSync('ed25519').private },
		unrecorded
	);
	expect(await failure(other.exec(['pct', 'list']))).toMatchObject({
		kind: 'unauthorized',
		retryable: false
	});
	const dead = ssh({ ...config, port: 9 }, unrecorded);
	expect(await failure(dead.exec(['pct', 'list']))).toMatchObject({
		kind: 'unreachable',
		retryable: true,
		ambiguous: false
	});
});

test('whatever is in an argument arrives as it is', async () => {
	const odd = [`it's`, 'a "b" $HOME `id`', '', 'ñandú\nline', '--', '; rm -rf /', '\\'];
	const { stdout } = await client.pctExec(301, ['echo', ...odd]);
	expect(stdout).toBe(`${odd.join(' ')}\n`);
	expect(quote('plain-1.2')).toBe('plain-1.2');
});

test('stdin, both outputs and the exit code come back; a failing command is no error', async () => {
	const binary = Buffer.from('\u0000línea\n');
	expect(await client.pctExec(301, ['cat'], { stdin: binary })).toEqual({
		code: 0,
		stdout: '\u0000línea\n',
		stderr: ''
	});
	expect(await client.pctExec(301, ['cat', '/nowhere'])).toMatchObject({
		code: 1,
		stderr: expect.stringContaining('No such file')
	});
	expect(await client.exec(['ls'])).toMatchObject({ code: 127 });
});

test('what pct says of the container is an error of its own', async () => {
	expect(await failure(client.pctExec(9018, ['true']))).toMatchObject({ kind: 'not_running' });
	const elsewhere = ssh({ ...config, port: two!.port, hostKey: two!.host_key }, unrecorded);
	expect(await failure(elsewhere.pctExec(301, ['true']))).toMatchObject({ kind: 'not_here' });
	await elsewhere.close();
});

test('a lost connection is ambiguous, and the next call makes a new one', async () => {
	pve.kernel.faults.add({ target: 'ssh', match: 'tee /tmp/a', kind: 'reset', when: 'after' });
	expect(await failure(client.pctExec(301, ['tee', '/tmp/a'], { stdin: 'x' }))).toMatchObject({
		kind: 'lost',
		ambiguous: true,
		retryable: false
	});
	expect(await client.pctExec(301, ['cat', '/tmp/a'])).toMatchObject({ code: 0, stdout: 'x' });
});

test('a command that takes too long is stopped on the other side', async () => {
	pve.kernel.faults.add({ target: 'odoo', match: 'db drop', kind: 'timeout' });
	const call = { operation: 'test', changes: false };
	const stuck = client.pctExec(301, ['odoo-bin', 'db', 'drop', 'tpl_18_en'], {
		timeoutMs: 500,
		call
	});
	expect(await failure(stuck)).toMatchObject({
		kind: 'timeout',
		retryable: true,
		ambiguous: false
	});
});

test('thirty at once share one connection and its sessions', async () => {
	const all = await Promise.all(
		Array.from({ length: 30 }, (_, index) => client.pctExec(301, ['echo', String(index)]))
	);
	expect(all.map(({ stdout }) => stdout.trim())).toEqual(
		Array.from({ length: 30 }, (_, index) => String(index))
	);
});

test('a call is recorded by its arguments, never by its stdin', async () => {
	const recorded: RecordedCall[] = [];
	const watched = ssh(config, (call, send) => {
		recorded.push(call);
		return send();
	});
	await watched.pctExec(301, ['cat'], {
		stdin: 'hidden',
		call: { operation: 'db.secret', changes: true, key: 'k' }
	});
	await watched.inside(301)(['cat'], { stdin: 'hidden' });
	expect(recorded).toMatchObject([
		{ vendor: 'ssh', operation: 'db.secret', key: 'k', changes: true, request: { stdinBytes: 6 } }
	]);
	expect(JSON.stringify(recorded)).not.toContain('hidden');
	await watched.close();
});
