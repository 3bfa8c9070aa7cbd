import { createHash } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { FaultRequest } from '../kernel/faults.ts';
import { testCluster } from '../proxmox/testing.ts';
import { runInGuest } from './commands.ts';

const pve = await testCluster();
const { kernel, cluster } = pve;
afterAll(() => pve.close());
beforeEach(async () => {
	kernel.reset();
	await pve.runningContainer(301, 'pve1', '10.20.3.1');
});

interface Ran {
	code: number;
	stdout: string;
	stderr: string;
}

async function run(command: string, stdin = ''): Promise<Ran> {
	const container = cluster.state.containers[301]!;
	const argv = ['sh', '-c', command];
	const ran = await runInGuest(cluster, container, {
		argv,
		stdin: Buffer.from(stdin),
		env: {},
		signal: new AbortController().signal
	});
	return { code: ran.code, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
}

const CONFIG = '-c /etc/odoo/odoo.conf';
const list = async () =>
	(
		await run(`psql -d postgres -At -c 'select datname from pg_database where not datistemplate'`)
	).stdout
		.trim()
		.split('\n');
const shell = (db: string, script: string) =>
	run(`odoo-bin shell ${CONFIG} -d ${db} --no-http`, script);
const fault = (match: string, kind: FaultRequest['kind'], more: Partial<FaultRequest> = {}) =>
	kernel.faults.add({ target: 'odoo', match, kind, ...more });
const install = (version: number) => cluster.guests.install(301, version);

describe('databases by command line', () => {
	test('a template is duplicated with its files and an identity of its own', async () => {
		expect(await run(`odoo-bin db ${CONFIG} duplicate tpl_18_es acme`)).toMatchObject({ code: 0 });
		expect(await list()).toEqual(['postgres', 'acme', 'tpl_18_en', 'tpl_18_es']);
		const { acme, tpl_18_es } = cluster.guests.get(301)!.databases;
		expect(acme!.filestore).toEqual(tpl_18_es!.filestore);
		expect(acme!.parameters['database.uuid']).not.toBe(tpl_18_es!.parameters['database.uuid']);
		const again = await run(`odoo-bin db ${CONFIG} duplicate tpl_18_es acme`);
		expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('already exists') });
		expect((await run(`odoo-bin db ${CONFIG} duplicate nothing other`)).stderr).toContain(
			'template database "nothing" does not exist'
		);
	});

	test('a dump is a zip that loads again, and a cut one does not', async () => {
		await run(`odoo-bin db ${CONFIG} duplicate tpl_18_es acme`);
		expect(await run(`odoo-bin db ${CONFIG} dump acme /tmp/acme.zip`)).toMatchObject({ code: 0 });
		const zip = Buffer.from(cluster.guests.get(301)!.files['/tmp/acme.zip']!, 'base64');
		expect(zip.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04');
		expect((await run('sha256sum /tmp/acme.zip')).stdout).toBe(
			`${createHash('sha256').update(zip).digest('hex')}  /tmp/acme.zip\n`
		);
		expect((await run('stat -c %s /tmp/acme.zip')).stdout).toBe(`${zip.length}\n`);
		expect(await run(`odoo-bin db ${CONFIG} load copy /tmp/acme.zip`)).toMatchObject({ code: 0 });
		expect(await list()).toContain('copy');
		fault('db dump', 'reset');
		expect((await run(`odoo-bin db ${CONFIG} dump acme /tmp/half.zip`)).code).toBe(137);
		expect((await run(`odoo-bin db ${CONFIG} load half /tmp/half.zip`)).stderr).toContain(
			'not a zip file'
		);
	});

	test('drop and rename', async () => {
		await run(`odoo-bin db ${CONFIG} rename tpl_18_es renamed`);
		expect(await list()).toContain('renamed');
		expect((await run(`odoo-bin db ${CONFIG} drop renamed`)).code).toBe(0);
		expect((await run(`odoo-bin db ${CONFIG} drop renamed`)).code).toBe(1);
	});

	test('versions differ in how a database begins', async () => {
		expect((await run(`odoo-bin db ${CONFIG} init acme --language es_MX`)).stderr).toContain(
			"invalid choice: 'init'"
		);
		expect(
			(
				await run(
					`odoo-bin ${CONFIG} -d acme -i base --load-language=es_MX --stop-after-init --no-http`
				)
			).code
		).toBe(0);
		expect(cluster.guests.get(301)!.databases.acme).toMatchObject({ demo: true, lang: 'es_MX' });
		install(19);
		expect((await run(`odoo-bin db ${CONFIG} init acme --language es_AR --country AR`)).code).toBe(
			0
		);
		expect(cluster.guests.get(301)!.databases.acme).toMatchObject({
			demo: false,
			lang: 'es_AR',
			company: { country: 'AR' }
		});
		expect((await run(`odoo-bin module install -d acme sale`)).stderr).toContain('Unknown command');
		install(20);
		await run(`odoo-bin db ${CONFIG} init acme`);
		expect((await run(`odoo-bin module install -d acme sale`)).code).toBe(0);
		expect(cluster.guests.get(301)!.databases.acme!.modules.sale).toBe('installed');
	});
});

describe('faults', () => {
	test('success is reported and nothing is there', async () => {
		fault('db duplicate', 'drop');
		expect((await run(`odoo-bin db ${CONFIG} duplicate tpl_18_es acme`)).code).toBe(0);
		expect(await list()).not.toContain('acme');
	});

	test('a killed initialisation leaves a database without its tables', async () => {
		install(19);
		fault('db init', 'reset');
		expect((await run(`odoo-bin db ${CONFIG} init acme`)).code).toBe(137);
		expect(await list()).toContain('acme');
		expect(
			await run(`psql -d acme -At -c "select state from ir_module_module where name = 'base'"`)
		).toMatchObject({ code: 1, stderr: expect.stringContaining('does not exist') });
		expect((await shell('acme', 'env.cr.commit()')).code).toBe(1);
	});

	test('it happens, and the command fails all the same', async () => {
		fault('db duplicate', 'status', { when: 'after', status: 3, body: 'lost\n' });
		expect(await run(`odoo-bin db ${CONFIG} duplicate tpl_18_es acme`)).toMatchObject({
			code: 3,
			stderr: 'lost\n'
		});
		expect(await list()).toContain('acme');
	});
});

describe('scripts on stdin', () => {
	beforeEach(() => run(`odoo-bin db ${CONFIG} duplicate tpl_18_es acme`));
	const parameters = () => cluster.guests.get(301)!.databases.acme!.parameters;

	test('nothing stays without a commit', async () => {
		const set = "env['ir.config_parameter'].sudo().set_param('a.b', 'c')\n";
		expect((await shell('acme', set)).code).toBe(0);
		expect(parameters()).not.toHaveProperty('a.b');
		await shell(
			'acme',
			`${set}env.cr.commit()\nenv['ir.config_parameter'].sudo().set_param('a.b', 'd')`
		);
		expect(parameters()['a.b']).toBe('c');
	});

	test('users are searched, made, changed and archived', async () => {
		const script = `
admin = env.ref('base.user_admin')
admin.write({'login': 'ana@acme.example', 'name': "D'Ana"})
new = env['res.users'].create({'login': 'leo@acme.example', 'name': 'Leo', 'password': 'x'})
for user in env['res.users'].search([('login', 'in', ['leo@acme.example'])]):
    user.active = False
if not env['res.users'].search([('login', '=', 'leo@acme.example')]):
    print('archived', new.id > admin.id)
print([u.login for u in env['res.users'].search([])])
env.cr.commit()
`;
		expect(await shell('acme', script)).toMatchObject({
			code: 0,
			stdout: "archived True\n['ana@acme.example']\n"
		});
	});

	test('an exception ends the script with a traceback, and what was not committed is lost', async () => {
		const ran = await shell(
			'acme',
			"env['ir.config_parameter'].sudo().set_param('a', 'b')\nenv.ref('base.nobody')\nenv.cr.commit()"
		);
		expect(ran).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('line 2, in <module>\nValueError: External ID not found')
		});
		expect(parameters()).not.toHaveProperty('a');
		expect((await shell('acme', 'print(')).stderr).toContain('SyntaxError');
		expect((await shell('acme', 'import os')).stderr).toContain("No module named 'os'");
		expect((await shell('nobody', 'pass')).stderr).toContain('database "nobody" does not exist');
	});
});
