import { afterAll, beforeEach, expect, test } from 'vitest';
import { testCluster } from '../proxmox/testing.ts';
import { runInGuest } from './commands.ts';
import { keepElsewhere } from './testing.ts';

const pve = await testCluster();
const { kernel, cluster } = pve;
afterAll(() => pve.close());
const HOST = '10.20.3.2';
beforeEach(async () => {
	kernel.reset();
	await pve.runningContainer(301, 'pve1', '10.20.3.1');
	await pve.runningContainer(302, 'pve1', HOST);
	keepElsewhere(cluster, { client: 301, server: 302, host: HOST, role: 'odoo_a' });
});

async function run(vmid: number, command: string, stdin = '') {
	const ran = await runInGuest(cluster, cluster.state.containers[vmid]!, {
		argv: ['sh', '-c', command],
		stdin: Buffer.from(stdin),
		env: {},
		signal: new AbortController().signal
	});
	return { code: ran.code, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
}
const far = (role = 'odoo_a', database = 'postgres') =>
	run(301, `runuser -u odoo -- psql -h ${HOST} -U ${role} -d ${database} -At -c 'select 1'`);
const superuser = (sql: string) =>
	run(302, 'runuser -u postgres -- psql -d postgres -At', `${sql};\n`);

test('who connects from a network in pg_hba.conf with the password of the role is let in, and nobody else', async () => {
	const server = () => cluster.guests.get(302)!.server!;
	expect(await far()).toMatchObject({ code: 0, stdout: '1\n' });
	expect((await far('odoo_b')).stderr).toContain('fe_sendauth: no password supplied');
	server().roles.odoo_a = 'another';
	expect((await far()).stderr).toContain('password authentication failed for user "odoo_a"');
	expect(
		(await run(301, 'odoo-bin db -c /etc/odoo/odoo.conf dump acme /tmp/a.zip')).stderr
	).toContain('password authentication failed');
	server().networks = ['192.168.0.0/16'];
	expect((await far()).stderr).toContain('no pg_hba.conf entry for host "10.20.3.1"');
	delete cluster.guests.get(302)!.server;
	expect((await far()).stderr).toContain('Connection refused');
	// Beside Odoo there is no server.
	expect(await run(301, `psql -d postgres -c 'select 1'`)).toMatchObject({ code: 2 });
});

test('a role sees what is its own, is kept out of what was closed, and goes only without databases', async () => {
	const made = 'odoo-bin db -c /etc/odoo/odoo.conf duplicate tpl_18_es acme';
	expect(await run(301, made)).toMatchObject({ code: 0 });
	expect(cluster.guests.get(302)!.databases.acme).toMatchObject({ owner: 'odoo_a' });
	cluster.guests.get(302)!.databases.other = {
		...structuredClone(cluster.guests.get(302)!.databases.acme!),
		...{ name: 'other', owner: 'odoo_b', closed: true }
	};
	expect((await far('odoo_a', 'other')).stderr).toContain('permission denied for database "other"');
	// To Odoo it is not there at all.
	expect(await run(301, made.replace('acme', 'other'))).toMatchObject({ code: 1 });
	const mine = `select datname from pg_database where pg_get_userbyid(datdba) = 'odoo_a' order by datname`;
	expect((await superuser(mine)).stdout).toBe('acme\ntpl_18_en\ntpl_18_es\n');
	expect((await superuser('drop role if exists "odoo_a"')).stderr).toContain(
		'cannot be dropped because some objects depend on it'
	);
	for (const name of ['acme', 'tpl_18_en', 'tpl_18_es'])
		await superuser(`drop database if exists "${name}" with (force)`);
	expect((await superuser('drop role if exists "odoo_a"')).code).toBe(0);
	expect((await superuser(`select count(*) from pg_roles where rolname = 'odoo_a'`)).stdout).toBe(
		'0\n'
	);
});
