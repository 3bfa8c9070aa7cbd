import { readFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { FaultRequest } from '../../../sandbox/kernel/faults.ts';
import { keepElsewhere } from '../../../sandbox/odoo/testing.ts';
import { testCluster } from '../../../sandbox/proxmox/testing.ts';
import { startSsh } from '../../../sandbox/ssh/server.ts';
import { unrecorded, type RecordedCall } from '../record.ts';
import { ssh } from '../ssh/ssh.server.ts';
import { OdooError } from './errors.ts';
import { odoo } from './odoo.server.ts';

const pve = await testCluster();
const standIn = await startSsh(pve.kernel, { ports: [], dataDir: null });
const [access] = standIn.nodes;
const node = ssh(
	{
		host: access!.host,
		port: access!.port,
		username: 'root',
		privateKey: readFileSync(access!.key_path, 'utf8'),
		hostKey: access!.host_key
	},
	unrecorded
);
const recorded: RecordedCall[] = [];
const clientOf = (version: number) =>
	odoo({ version, patienceMs: 600 }, node.inside(301), (call, send) => {
		recorded.push(call);
		return send();
	});
const client = clientOf(18);
const guest = () => pve.cluster.guests.get(301)!;
const fault = (match: string, kind: FaultRequest['kind'], more: Partial<FaultRequest> = {}) =>
	pve.kernel.faults.add({ target: 'odoo', match, kind, ...more });
const failure = (promise: Promise<unknown>): Promise<OdooError> =>
	promise.then(
		() => Promise.reject(new Error('it did not fail')),
		(error: unknown) => (error instanceof OdooError ? error : Promise.reject(error))
	);

beforeEach(async () => {
	pve.kernel.reset();
	recorded.length = 0;
	await pve.runningContainer(301);
});
afterAll(async () => {
	await node.close();
	await standIn.close();
	await pve.close();
});

describe('a database from its template to its end', () => {
	test('made, set up, marked, logged in to, dumped, dropped', async () => {
		expect(await client.version()).toBe(18);
		expect(await client.databaseState('acme')).toBe('absent');
		await client.duplicateTemplate('tpl_18_es', 'acme');
		expect(await client.readMark('acme')).toBeNull();
		await client.writeMark('acme', 'run-1');
		expect(await client.readMark('acme')).toBe('run-1');
		const admin = { login: 'ana@acme.example', password: `p'"\\$(id)\n—ñ` };
		expect(
			await client.configure('acme', {
				admin,
				lang: 'es_MX',
				company: { name: `L'Acmé "S.A."`, country: 'MX' },
				parameters: { 'web.base.url': 'https://acme.sajet.us', 'web.base.url.freeze': 'True' }
			})
		).toEqual({ login: 'ana@acme.example', lang: 'es_MX' });
		expect(guest().databases.acme).toMatchObject({
			company: { name: `L'Acmé "S.A."`, country: 'MX' }
		});
		expect(
			await client.getParameters('acme', ['web.base.url', 'web.base.url.freeze', 'none'])
		).toEqual({ 'web.base.url': 'https://acme.sajet.us', 'web.base.url.freeze': 'True' });
		expect(await client.authenticate('acme', admin.login, admin.password)).toBe(2);
		expect(await client.authenticate('acme', admin.login, 'wrong')).toBe(false);
		expect(await client.authenticate('acme', 'admin', 'admin')).toBe(false);
		expect(await client.healthy()).toBe(true);
		const dump = await client.dump('acme', '/var/tmp/acme.zip');
		expect(dump).toEqual({
			sizeBytes: Buffer.from(guest().files['/var/tmp/acme.zip']!, 'base64').length,
			sha256: expect.stringMatching(/^[0-9a-f]{64}$/)
		});
		expect(await client.dropDatabase('acme')).toBe(true);
		expect(await client.dropDatabase('acme')).toBe(false);
		await client.load('acme', '/var/tmp/acme.zip');
		expect(await client.authenticate('acme', admin.login, admin.password)).toBe(2);
		await client.removeFile('/var/tmp/acme.zip');
		expect(guest().files).not.toHaveProperty('/var/tmp/acme.zip');
		expect(await client.listDatabases()).toEqual(['acme', 'tpl_18_en', 'tpl_18_es']);
	});

	test('a parameter is removed by null', async () => {
		await client.setParameters('tpl_18_en', { 'a.b': 'c', 'd.e': '0' });
		await client.setParameters('tpl_18_en', { 'a.b': null });
		expect(await client.getParameters('tpl_18_en', ['a.b', 'd.e'])).toEqual({ 'd.e': '0' });
	});

	test.each([17, 18, 19, 20])('Odoo %i initialises an empty one', async (version) => {
		pve.cluster.guests.install(301, version);
		await clientOf(version).initDatabase('acme', 'es_AR', 'AR');
		expect(guest().databases.acme).toMatchObject({ complete: true, demo: false, lang: 'es_AR' });
		expect(await failure(clientOf(version).initDatabase('acme', 'es_AR', 'AR'))).toMatchObject({
			kind: 'exists'
		});
	});
});

describe('what a person typed', () => {
	test('is on no command line and in no record', async () => {
		await client.duplicateTemplate('tpl_18_es', 'acme');
		const admin = { login: 'unseen-login@acme.example', password: 'unseen-password' };
		await client.configure('acme', { admin, company: { name: 'unseen-company' } });
		await client.authenticate('acme', admin.login, admin.password);
		const lines = pve.kernel.calls.list({ vendor: 'ssh' }).map((call) => call.line);
		expect(lines.length).toBeGreaterThan(3);
		expect(lines.join('\n')).not.toContain('unseen');
		expect(JSON.stringify(recorded)).not.toContain('unseen-password');
		expect(recorded.map(({ operation, changes }) => [operation, changes])).toEqual([
			['db.duplicate', true],
			['db.configure', true],
			['login', false]
		]);
	});

	test('a name that is none never reaches the container', async () => {
		for (const name of ['', '-f', 'a b', "a'b", '../x', 'ACME', 'a;b', 'x'.repeat(64)]) {
			await expect(client.dropDatabase(name)).rejects.toThrow(TypeError);
			await expect(client.duplicateTemplate('tpl_18_es', name)).rejects.toThrow(TypeError);
		}
		await expect(client.getParameters('acme', ["a' or '1'='1"])).rejects.toThrow(TypeError);
		expect(await client.listDatabases()).toEqual(['tpl_18_en', 'tpl_18_es']);
	});
});

describe('failures', () => {
	test('success that left nothing behind is no success', async () => {
		fault('db duplicate', 'drop');
		expect(await failure(client.duplicateTemplate('tpl_18_es', 'acme'))).toMatchObject({
			kind: 'not_done',
			retryable: true,
			ambiguous: false
		});
		fault('db drop', 'malformed');
		await client.duplicateTemplate('tpl_18_es', 'acme');
		expect(await failure(client.dropDatabase('acme'))).toMatchObject({ kind: 'not_done' });
	});

	test('a database that exists, a template that does not', async () => {
		expect(await failure(client.duplicateTemplate('tpl_18_es', 'tpl_18_en'))).toMatchObject({
			kind: 'exists',
			ambiguous: false
		});
		expect(await failure(client.duplicateTemplate('tpl_18_fr', 'acme'))).toMatchObject({
			kind: 'no_template',
			ambiguous: false
		});
		expect(await failure(client.setParameters('acme', { a: 'b' }))).toMatchObject({
			kind: 'no_database'
		});
	});

	test('a killed initialisation is seen as incomplete', async () => {
		fault('-i base', 'reset');
		expect(await failure(client.initDatabase('acme', 'es_MX', 'MX'))).toMatchObject({
			kind: 'failed',
			code: '137',
			ambiguous: true
		});
		expect(await client.databaseState('acme')).toBe('incomplete');
		expect(await client.dropDatabase('acme')).toBe(true);
	});

	test('a script whose result is missing may have run', async () => {
		fault('shell', 'drop');
		expect(await failure(client.setParameters('tpl_18_es', { a: 'b' }))).toMatchObject({
			kind: 'malformed',
			ambiguous: true
		});
	});

	test('it was done although the command failed: the caller finds it by looking', async () => {
		fault('db duplicate', 'status', {
			when: 'after',
			status: 1,
			body: 'server closed the connection unexpectedly'
		});
		expect(await failure(client.duplicateTemplate('tpl_18_es', 'acme'))).toMatchObject({
			kind: 'failed',
			ambiguous: true
		});
		expect(await client.databaseState('acme')).toBe('ready');
	});

	test('a database that cannot be looked at afterwards may be there', async () => {
		pve.kernel.faults.add({ target: 'ssh', match: 'psql', kind: 'reset', times: 9 });
		expect(await failure(client.duplicateTemplate('tpl_18_es', 'acme'))).toMatchObject({
			operation: 'db.duplicate',
			ambiguous: true,
			retryable: false
		});
		pve.kernel.faults.clear();
		expect(await client.databaseState('acme')).toBe('ready');
	});

	test('a container that is still booting is not ready: nothing was done', async () => {
		pve.cluster.state.containers[301]!.readyAtMs = Date.now() + 60_000;
		const notYet = { kind: 'not_ready', retryable: true, ambiguous: false };
		expect(await failure(client.duplicateTemplate('tpl_18_es', 'acme'))).toMatchObject(notYet);
		expect(await failure(client.listDatabases())).toMatchObject(notYet);
		expect(await client.healthy()).toBe(false);
	});

	test('a question waits for a container that boots', async () => {
		pve.cluster.state.containers[301]!.readyAtMs = Date.now() + 200;
		expect(await client.databaseState('tpl_18_es')).toBe('ready');
	});

	test('a stopped service is unhealthy, and a login cannot be asked', async () => {
		guest().active = false;
		expect(await client.healthy()).toBe(false);
		expect(await failure(client.authenticate('tpl_18_es', 'admin', 'admin'))).toMatchObject({
			kind: 'not_ready'
		});
	});
});

describe('with its databases on a server elsewhere', () => {
	const server = { host: '10.10.20.7', role: 'odoo_far', exec: node.inside(302) };
	const far = odoo(
		{ version: 18, patienceMs: 600, postgres: server },
		node.inside(301),
		unrecorded
	);

	test('made, saved, moved, closed for writing and dropped there; nothing is beside Odoo', async () => {
		await pve.runningContainer(302, 'pve1', '10.10.20.7');
		keepElsewhere(pve.cluster, { client: 301, server: 302, ...server });
		const there = () => Object.keys(pve.cluster.guests.get(302)!.databases);
		await far.duplicateTemplate('tpl_18_es', 'acme');
		expect(there()).toContain('acme');
		expect(guest().databases).toEqual({});
		await far.configure('acme', { admin: { login: 'ana@acme.example', password: 'secret' } });
		expect(await far.authenticate('acme', 'ana@acme.example', 'secret')).toBe(2);
		await far.takeWriting('acme');
		expect((await far.lackedRights('acme')).length).toBeGreaterThan(0);
		await far.giveWriting('acme', []);
		expect(await far.measure('acme')).toMatchObject({ users: 1 });
		await far.dump('acme', '/tmp/acme.zip');
		await far.load('acme2', '/tmp/acme.zip');
		expect(await far.listDatabases()).toEqual(expect.arrayContaining(['acme', 'acme2']));
		expect(await far.dropDatabase('acme')).toBe(true);
		expect(there()).not.toContain('acme');
	});

	test('a server that does not answer is not ready: nothing was done', async () => {
		Object.assign(guest(), { databases: {}, databaseHost: server.host });
		expect(await failure(far.listDatabases())).toMatchObject({
			kind: 'not_ready',
			retryable: true
		});
		expect(await failure(far.dump('acme', '/tmp/a.zip'))).toMatchObject({ kind: 'not_ready' });
	});
});
