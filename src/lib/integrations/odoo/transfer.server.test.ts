import { readFileSync } from 'node:fs';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testCluster } from '../../../sandbox/proxmox/testing.ts';
import { startSsh } from '../../../sandbox/ssh/server.ts';
import { unrecorded } from '../record.ts';
import { pipe } from '../ssh/pipe.server.ts';
import { ssh } from '../ssh/ssh.server.ts';
import { differences } from './inventory.ts';
import { odoo } from './odoo.server.ts';

const pve = await testCluster();
const standIn = await startSsh(pve.kernel, { ports: [], dataDir: null });
const access = standIn.nodes[0]!;
const connection = () =>
	ssh(
		{
			host: access.host,
			port: access.port,
			username: 'root',
			privateKey: readFileSync(access.key_path, 'utf8'),
			hostKey: access.host_key
		},
		unrecorded
	);
const node = connection();
const clientOf = (vmid: number) =>
	odoo({ version: 18, patienceMs: 300 }, node.inside(vmid), unrecorded);
const [source, target] = [clientOf(301), clientOf(302)];
const guest = (vmid: number) => pve.cluster.guests.get(vmid)!;
const FOLDER = '/var/lib/erp-core/moves/run-1';
const inside = (vmid: number, ...argv: string[]) => [
	...['pct', 'exec', String(vmid), '--keep-env', '0', '--'],
	...argv
];

beforeEach(async () => {
	pve.kernel.reset();
	await pve.runningContainer(301);
	await pve.runningContainer(302);
	await source.duplicateTemplate('tpl_18_es', 'acme');
});
afterAll(async () => {
	await node.close();
	await standIn.close();
	await pve.close();
});

/** @returns bytes that passed */
async function carry(file: string): Promise<number> {
	const [one, other] = [connection(), connection()];
	try {
		return await pipe(
			{ client: one, argv: inside(301, 'cat', `${FOLDER}/${file}`) },
			{ client: other, argv: inside(302, 'sh', '-c', `cat > ${FOLDER}/${file}`) },
			{ signal: new AbortController().signal, timeoutMs: 20_000 }
		);
	} finally {
		await one.close();
		await other.close();
	}
}

test('a database is held, packed, carried, made again and is the same; Odoo gets into neither meanwhile', async () => {
	const uuid = guest(301).databases.acme!.parameters['database.uuid'];
	expect(await source.reachOf('acme')).toBe('open');
	await source.setReach('acme', 'held');
	await source.setReach('acme', 'held');
	expect(await source.reachOf('acme')).toBe('held');
	await expect(source.writeMark('acme', 'late')).rejects.toThrow(/too many connections/);
	const packed = await source.packDatabase('acme', FOLDER);
	expect(packed.files.bytes).toBeGreaterThan(10);
	await target.makeFolder(FOLDER);
	expect(await carry('database.dump')).toBe(packed.dump.bytes);
	expect(await carry('files.tar')).toBe(packed.files.bytes);
	expect(await target.weigh(packed.dump.path)).toEqual(packed.dump);

	await target.unpackDatabase('acme__run1', FOLDER);
	// A second try begins with what the first left.
	await target.unpackDatabase('acme__run1', FOLDER);
	expect(await target.reachOf('acme__run1')).toBe('held');
	const [was, is] = [await source.inventory('acme'), await target.inventory('acme__run1')];
	expect(was).toMatchObject({ tables: { res_users: 2 }, modules: { base: '18.0.1.0' }, files: 1 });
	expect(differences(was, is)).toEqual([]);
	await target.renameDatabase('acme__run1', 'acme');
	await target.renameDatabase('acme__run1', 'acme');
	await target.setReach('acme', 'open');
	expect(guest(302).databases.acme!.parameters['database.uuid']).toBe(uuid);
	await target.writeMark('acme', 'now');

	await source.renameDatabase('acme', 'acme__run1');
	await source.setReach('acme__run1', 'shut');
	expect(await source.reachOf('acme__run1')).toBe('shut');
	expect(await source.removeDatabase('acme__run1')).toBe(true);
	expect(await source.removeDatabase('acme__run1')).toBe(false);
	await source.removeFolder(FOLDER);
	expect(Object.keys(guest(301).files).filter((path) => path.startsWith(FOLDER))).toEqual([]);
});

test('no answer is no absence: nothing is decided on it', async () => {
	expect(await source.reachOf('nobody')).toBe('absent');
	pve.kernel.faults.add({ target: 'ssh', match: 'psql', kind: 'malformed', body: '', times: 1 });
	await expect(source.reachOf('acme')).rejects.toMatchObject({ kind: 'malformed' });
});

test('a full disk, a broken pipe and a copy that lacks something are said', async () => {
	await source.setReach('acme', 'held');
	await source.packDatabase('acme', FOLDER);
	const { freeBytes } = await target.room(null);
	expect(freeBytes).toBeGreaterThan(0);
	expect((await source.room('acme')).databaseBytes).toBeGreaterThan(1000);
	await target.makeFolder(FOLDER);
	pve.kernel.faults.add({ target: 'ssh', match: 'cat /var', kind: 'reset' });
	await expect(carry('database.dump')).rejects.toMatchObject({ kind: 'lost', ambiguous: true });
	await carry('database.dump');
	await carry('files.tar');
	pve.cluster.state.containers['302']!.config.rootfs = 'local-lvm:x,size=1M';
	await expect(target.unpackDatabase('acme__run1', FOLDER)).rejects.toMatchObject({
		kind: 'no_space',
		retryable: false
	});
	expect(
		differences(
			{ tables: { a: 1, b: 2 }, modules: { base: '1' }, files: 1, fileBytes: 5 },
			{ tables: { a: 1, b: 1 }, modules: {}, files: 1, fileBytes: 4 }
		)
	).toEqual([
		'table b: 2 rows, copy 1',
		'module base: 1, copy absent',
		'files: 1 of 5 bytes, copy 1 of 4'
	]);
});
