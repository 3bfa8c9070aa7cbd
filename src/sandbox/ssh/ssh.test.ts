import { statSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testCluster } from '../proxmox/testing.ts';
import { startSsh } from './server.ts';
import { parse } from './shell.ts';

const pve = await testCluster();
const standIn = await startSsh(pve.kernel, { ports: [], dataDir: null });
afterAll(async () => {
	await standIn.close();
	await pve.close();
});
beforeAll(() => pve.runningContainer(301, 'pve2'));
beforeEach(() => pve.kernel.faults.clear());

interface Ran {
	code: number | null;
	stdout: string;
	stderr: string;
}

async function dial(node: number, options: Partial<ssh2.ConnectConfig> = {}): Promise<ssh2.Client> {
	const access = standIn.nodes[node]!;
	const client = new ssh2.Client();
	return new Promise((resolve, reject) => {
		client.on('ready', () => resolve(client)).on('error', reject);
		client.connect({
			host: access.host,
			port: access.port,
			username: access.user,
			privateKey: readFileSync(access.key_path),
			...options
		});
	});
}

async function run(command: string, options: { node?: number; stdin?: string } = {}): Promise<Ran> {
	const client = await dial(options.node ?? 1);
	return new Promise((resolve, reject) => {
		client.on('close', () => resolve({ code: null, stdout: '', stderr: 'closed' }));
		client.exec(command, (error, channel) => {
			if (error) return reject(error);
			const ran: Ran = { code: null, stdout: '', stderr: '' };
			channel.on('data', (chunk: Buffer) => (ran.stdout += chunk.toString()));
			channel.stderr.on('data', (chunk: Buffer) => (ran.stderr += chunk.toString()));
			channel.on('exit', (code: number | null) => (ran.code = code));
			channel.on('close', () => {
				resolve(ran);
				client.end();
			});
			channel.end(options.stdin ?? '');
		});
	});
}

describe('logging in', () => {
	test('each node has its own host key, and the client key is for its owner alone', async () => {
		const seen: string[] = [];
		for (const [index, access] of standIn.nodes.entries()) {
			const client = await dial(index, {
				hostVerifier: (key: Buffer) => {
					seen.push(
						`SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
					);
					return true;
				}
			});
			client.end();
			expect(seen.at(-1)).toBe(access.host_key);
		}
		expect(new Set(seen).size).toBe(3);
		expect(statSync(standIn.nodes[0]!.key_path).mode & 0o777).toBe(0o600);
	});

	test('a password, another key and another user are refused', async () => {
		const other = ssh2.utils.generateKeyPairSync('ed25519').private;
		await expect(dial(0, { privateKey: other })).rejects.toThrow('authentication methods failed');
		await expect(dial(0, { privateKey: undefined, password: 'root' })).rejects.toThrow(
			'authentication methods failed'
		);
		await expect(dial(0, { username: 'admin' })).rejects.toThrow('authentication methods failed');
	});

	test('there is no shell', async () => {
		const client = await dial(0);
		await expect(
			new Promise((resolve, reject) =>
				client.shell((error) => (error ? reject(error) : resolve(null)))
			)
		).rejects.toThrow();
		client.end();
	});
});

describe('pct', () => {
	test('lists and describes the containers of its own node', async () => {
		expect((await run('pct list')).stdout).toMatch(
			/^VMID +Status +Lock +Name\n301 +running +ct301\n$/
		);
		expect((await run('pct status 301')).stdout).toBe('status: running\n');
		expect((await run('pct config 301')).stdout).toContain('hostname: ct301\n');
		expect((await run('pct df 301')).stdout).toContain('rootfs');
	});

	test('says where the container is not, and that it does not run', async () => {
		expect(await run('pct exec 301 -- true', { node: 0 })).toEqual({
			code: 2,
			stdout: '',
			stderr: "Configuration file 'nodes/pve1/lxc/301.conf' does not exist\n"
		});
		expect(await run('pct exec 9018 -- true', { node: 0 })).toMatchObject({
			code: 255,
			stderr: "container '9018' not running!\n"
		});
	});

	test('passes stdin, stdout, stderr and exit codes', async () => {
		expect(await run('pct exec 301 -- cat', { stdin: 'línea\n' })).toEqual({
			code: 0,
			stdout: 'línea\n',
			stderr: ''
		});
		expect(await run('pct exec 301 -- false')).toMatchObject({ code: 1 });
		expect(await run('pct exec 301 -- cat /nowhere')).toMatchObject({
			code: 1,
			stderr: 'cat: /nowhere: No such file or directory\n'
		});
		expect(await run('pct exec 301 -- nonsense')).toMatchObject({ code: 127 });
	});

	test('the environment of the host comes along unless it is told not to', async () => {
		expect((await run('env A=B pct exec 301 -- printenv A')).stdout).toBe('B\n');
		expect(await run('env A=B pct exec 301 --keep-env 0 -- printenv A')).toMatchObject({
			code: 1,
			stdout: ''
		});
	});

	test('sh inside has lists, pipes and files', async () => {
		const line = `pct exec 301 -- sh -c 'echo "a  b" > /tmp/x && cat /tmp/x | sha256sum; test -e /tmp/x || echo none; rm /tmp/x; test -e /tmp/x'`;
		const ran = await run(line);
		expect(ran.stdout).toBe(`${createHash('sha256').update('a  b\n').digest('hex')}  -\n`);
		expect(ran.code).toBe(1);
	});

	test('anything else is not there', async () => {
		for (const command of ['ls', 'cat /etc/passwd', 'bash', 'qm list']) {
			expect(await run(command)).toMatchObject({
				code: 127,
				stderr: expect.stringContaining('command not found')
			});
		}
		expect((await run('pct exec 301 -- echo $HOME')).code).toBe(2);
	});

	test('timeout stops what takes too long', async () => {
		pve.kernel.faults.add({ target: 'odoo', match: 'db drop', kind: 'timeout' });
		const ran = await run(
			'timeout 0.2 pct exec 301 -- odoo-bin db -c /etc/odoo/odoo.conf drop tpl_18_en'
		);
		expect(ran.code).toBe(124);
	});
});

describe('faults', () => {
	test('before: nothing happens; after: it happens and the answer is spoiled', async () => {
		const { kernel } = pve;
		kernel.faults.add({
			target: 'ssh',
			match: 'tee /tmp/a',
			kind: 'status',
			status: 255,
			body: 'Connection reset'
		});
		expect(await run('pct exec 301 -- tee /tmp/a', { stdin: '1' })).toMatchObject({
			code: 255,
			stderr: 'Connection reset'
		});
		expect((await run('pct exec 301 -- test -e /tmp/a')).code).toBe(1);
		kernel.faults.add({ target: 'ssh', match: 'tee /tmp/a', kind: 'reset', when: 'after' });
		expect((await run('pct exec 301 -- tee /tmp/a', { stdin: '1' })).code).toBeNull();
		expect((await run('pct exec 301 -- test -e /tmp/a')).code).toBe(0);
	});

	test('a node without power accepts no connection', async () => {
		pve.cluster.setOnline('pve3', false);
		await expect
			.poll(() =>
				dial(2).then(
					() => 'up',
					(error: Error) => error.message
				)
			)
			.toContain('ECONNREFUSED');
		pve.cluster.setOnline('pve3', true);
		await expect
			.poll(() =>
				dial(2).then(
					(client) => client.end() && 'up',
					() => 'down'
				)
			)
			.toBe('up');
	});
});

test('words are split as sh splits them', () => {
	const words = (line: string) => parse(line).commands[0]!.command.words;
	expect(words(`a 'b c' "d 'e'" f\\ g ''`)).toEqual(['a', 'b c', "d 'e'", 'f g', '']);
	expect(words(`say 'it'\\''s'`)).toEqual(['say', "it's"]);
	expect(() => parse(`echo 'open`)).toThrow('Unterminated');
	expect(() => parse('echo "$(id)"')).toThrow('not supported');
	expect(() => parse('echo a & b')).toThrow('not supported');
});
