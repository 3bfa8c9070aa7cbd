import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectionsOfServer } from '../../src/lib/infrastructure/postgres/connections.ts';
import { bridge, Container, debian, FOLDER, run, takeDown, type Ran } from './container.ts';
import { packageProxy } from './packages.ts';
import { SCRIPT, SOURCES, STEPS, systemIn, VMID, well } from './system.ts';

const address = bridge();
const proxy = await packageProxy(address, join(FOLDER, 'packages'));
const container = new Container(await debian(proxy.url), proxy.url);
const { fingerprint, get, hand, line, step } = systemIn(container);
let byHand: Ran;

beforeAll(async () => {
	await container.start();
	const begun = Date.now();
	byHand = await hand('--keep', String(VMID), '18', SOURCES);
	process.stdout.write(`setup_odoo_lxc took ${Math.round((Date.now() - begun) / 1000)} s\n`);
	// Without it no other test means anything.
	if (byHand.code !== 0)
		throw new Error(`${byHand.stdout.slice(-3000)}\n${byHand.stderr.slice(-3000)}`);
});
afterAll(async () => {
	takeDown();
	await proxy.close();
});

it('goes through all steps on a clean Debian 12, by hand', () => {
	expect(byHand).toMatchObject({ code: 0, stderr: expect.not.stringContaining('setup_odoo_lxc:') });
	expect(byHand.stdout.match(/^== \w+$/gm)).toEqual(
		'base locale user postgresql role wkhtmltopdf sources python config service nginx databases verify'
			.split(' ')
			.map((name) => `== ${name}`)
	);
	expect(byHand.stdout).toContain('Odoo 18 answers, with es,en');
});

it('leaves what the control plane calls: names, users and places agree', async () => {
	const odoo = ['runuser', '-u', 'odoo', '--'];
	expect(await line(...odoo, 'odoo-bin', '--version')).toBe('Odoo Server 18.0');
	const names = 'select datname from pg_database where not datistemplate order by datname';
	expect(await line(...odoo, 'psql', '-X', '-d', 'postgres', '-At', '-c', names)).toBe(
		'postgres\ntpl_18_en\ntpl_18_es'
	);
	expect(
		await line(...odoo, 'psql', '-X', '-d', 'tpl_18_es', '-At', '-c', 'select code from res_lang')
	).toBe('es_419');
	const role = "select rolcreatedb, rolsuper from pg_roles where rolname = 'odoo'";
	expect(
		await line('runuser', '-u', 'postgres', '--', 'psql', '-X', '-d', 'postgres', '-At', '-c', role)
	).toBe('t|f');
	const show = ['psql', '-X', '-d', 'postgres', '-At', '-c', 'show max_connections'];
	const kilobytes = await line('awk', '/^MemTotal/ { print $2 }', '/proc/meminfo');
	expect(await line('runuser', '-u', 'postgres', '--', ...show)).toBe(
		String(connectionsOfServer(Math.floor(Number(kilobytes) / 1024)))
	);
	expect(await line('locale', '-a')).toMatch(/en_US\.utf8[\s\S]*es_ES\.utf8[\s\S]*es_MX\.utf8/);
	expect(await line('wkhtmltopdf', '--version')).toContain('wkhtmltopdf 0.12');
	const config = container.read('/etc/odoo/odoo.conf');
	expect(config).toMatch(/^list_db = False$/m);
	expect(config).toMatch(/^dbfilter = \^%d\$$/m);
	expect(config).toMatch(/^proxy_mode = True$/m);
	expect(config).toMatch(/^admin_passwd = \$pbkdf2-sha512\$600000\$[\w./]+\$[\w./]{86}$/m);
	expect(await line('stat', '-c', '%a %U %G', '/etc/odoo/odoo.conf')).toBe('640 root odoo');
});

it('all of it is up after the container was started anew, nginx with a valid configuration', async () => {
	await container.stop();
	await container.start();
	await expect
		.poll(() => line('systemctl', 'is-active', 'odoo', 'nginx', 'postgresql'), { timeout: 60_000 })
		.toBe('active\nactive\nactive');
	expect(await container.exec(['nginx', '-t'])).toMatchObject({ code: 0 });
	await expect.poll(async () => (await get('/healthz')).status, { timeout: 60_000 }).toBe(200);
	// As many workers as its cores and memory carry, and at least those without which /websocket has no port.
	const command = `tr '\\0' ' ' < /proc/$(systemctl show -P MainPID odoo)/cmdline`;
	expect(await line('sh', '-c', command)).toMatch(/odoo-bin .*--workers ([2-9]|\d\d) /);
});

it('nginx hands on what Odoo must know, and nothing that a visitor makes up', async () => {
	const seen = async (headers: Record<string, string>) =>
		JSON.parse((await get('/web/login', { host: 'acme.sajet.us', ...headers })).body) as {
			port: number;
			headers: Record<string, string>;
		};
	const plain = await seen({ 'x-forwarded-host': 'evil.example', 'x-real-ip': '6.6.6.6' });
	expect(plain.port).toBe(8069);
	expect(plain.headers).toMatchObject({
		host: 'acme.sajet.us',
		'x-forwarded-host': 'acme.sajet.us',
		'x-forwarded-proto': 'http',
		'x-real-ip': '10.254.77.1'
	});
	const tunnelled = await seen({
		'x-forwarded-proto': 'https',
		'x-forwarded-for': '6.6.6.6, 203.0.113.7'
	});
	expect(tunnelled.headers).toMatchObject({
		'x-forwarded-proto': 'https',
		'x-forwarded-for': '203.0.113.7'
	});
});

it('a websocket reaches the port of its own', async () => {
	const upgraded = await get('/websocket?version=18.0-7', {
		host: 'acme.sajet.us',
		connection: 'Upgrade',
		upgrade: 'websocket',
		'sec-websocket-version': '13',
		'sec-websocket-key': Buffer.from('0123456789abcdef').toString('base64')
	});
	expect(upgraded.status).toBe(101);
});

it.each([
	'/web/database/manager',
	'/web//database/selector',
	'/WEB/database/list',
	'/es/web/database/manager',
	'/es_419/web/database',
	'/%77eb/database/create',
	'/xmlrpc/db',
	'/xmlrpc/2/db'
])('%s is closed', async (path) => {
	expect((await get(path, { host: 'acme.sajet.us' })).status).toBe(404);
});

it('what only looks like the manager is open', async () => {
	for (const path of ['/web/databases', '/xmlrpc/2/common', '/jsonrpc', '/shop/web/database/x'])
		expect((await get(path, { host: 'acme.sajet.us' })).status).toBe(200);
});

it('Odoo is reached through nginx alone', async () => {
	const refused = await run('curl', [
		'-s',
		'-m',
		'3',
		`http://${container.address}:8069/web/health`
	]);
	expect(refused.code).toBe(7);
});

it('the health page says 503 while Odoo is stopped; killed, Odoo comes back by itself', async () => {
	await container.exec(['systemctl', 'stop', 'odoo']);
	expect(await get('/healthz')).toEqual({ status: 503, body: '{"status":"fail"}' });
	await container.exec(['systemctl', 'start', 'odoo']);
	await expect.poll(async () => (await get('/healthz')).status, { timeout: 30_000 }).toBe(200);
	await container.exec(['systemctl', 'kill', '-s', 'KILL', 'odoo']);
	await expect
		.poll(() => line('systemctl', 'is-active', 'odoo'), { timeout: 5_000 })
		.not.toBe('active');
	await expect.poll(async () => (await get('/healthz')).status, { timeout: 30_000 }).toBe(200);
});

it('run once more it changes nothing', async () => {
	const before = await fingerprint();
	const started = await line(
		'systemctl',
		'show',
		'-p',
		'ActiveEnterTimestampMonotonic',
		'odoo',
		'nginx'
	);
	const again = await well(hand('--keep', String(VMID), '18', SOURCES));
	expect(again.stdout).not.toMatch(/^(wrote|installing|initialising) /m);
	expect(await fingerprint()).toBe(before);
	expect(
		await line('systemctl', 'show', '-p', 'ActiveEnterTimestampMonotonic', 'odoo', 'nginx')
	).toBe(started);
});

it('what broke off half-way is taken up: a configuration, a site, a database', async () => {
	await container.exec(['sh', '-c', 'rm /etc/nginx/sites-enabled/odoo && : > /etc/odoo/odoo.conf']);
	const half = "update ir_module_module set state = 'to install' where name = 'base'";
	await container.exec([
		'runuser',
		'-u',
		'odoo',
		'--',
		'psql',
		'-X',
		'-d',
		'tpl_18_en',
		'-c',
		half
	]);
	for (const name of ['config', 'service', 'nginx', 'databases', 'verify']) await well(step(name));
	expect((await get('/healthz')).status).toBe(200);
});

it('refuses what it does not know, and the sources of another version', async () => {
	expect(await step('dance')).toMatchObject({
		code: 1,
		stderr: expect.stringContaining("no step 'dance'")
	});
	expect(await step('base', '--version', '16')).toMatchObject({ code: 1 });
	const folder = mkdtempSync(join(tmpdir(), 'odoo-'));
	cpSync(SOURCES, folder, { recursive: true });
	const release = join(folder, 'odoo/release.py');
	writeFileSync(release, readFileSync(release, 'utf8').replaceAll('18', '19'));
	const other = await hand('--step', 'sources', String(VMID), '18', folder);
	expect(other.stderr).toContain('these are the sources of Odoo 19, not of 18');
	// The sources that were there stay.
	await well(step('verify'));

	// The command line of later versions makes databases in another way.
	await well(hand('--step', 'sources', String(VMID), '19', folder));
	rmSync(folder, { recursive: true });
	await well(step('databases', '--version', '19'));
	const code = ['psql', '-X', '-d', 'tpl_19_es', '-At', '-c', 'select code from res_lang'];
	expect(await line('runuser', '-u', 'odoo', '--', ...code)).toBe('es_419');
	await well(hand('--step', 'sources', String(VMID), '18', SOURCES));
});

it('two runs at once wait for each other', async () => {
	const both = await Promise.all([step('databases'), step('databases')]);
	expect(both.map(({ code }) => code)).toEqual([0, 0]);
});

it('a second system with PostgreSQL alone, and Odoo that has its databases there', async () => {
	const network = ['--network', '127.0.0.0/8,10.254.0.0/16', '--role', 'odoo_far'];
	const server = await container.exec(
		['bash', '-s', '--', 'postgresql', '--kind', 'postgres', ...network],
		STEPS
	);
	expect(server).toMatchObject({ code: 0 });
	const role = await container.exec(
		['bash', '-s', '--', 'role', '--kind', 'postgres', ...network],
		`PG_PASSWORD="s3cret:'\\\\"\n${STEPS}`
	);
	expect(role).toMatchObject({ code: 0 });
	const verify = ['bash', '-s', '--', 'verify', '--kind', 'postgres', ...network];
	expect(await container.exec(verify, STEPS)).toMatchObject({
		...{ code: 0, stdout: expect.stringMatching(/^PostgreSQL \d+/m) }
	});
	// All of its memory is PostgreSQL's.
	const buffers = "select pg_size_bytes(current_setting('shared_buffers')) > 134217728";
	const superuser = ['psql', '-X', '-d', 'postgres', '-At', '-c', buffers];
	expect(await line('runuser', '-u', 'postgres', '--', ...superuser)).toBe('t');
	const far = ['--kind', 'odoo_only', '--postgres', '127.0.0.1', '--role', 'odoo_far'];
	const wrong = await container.exec(
		['bash', '-s', '--', 'role', '--version', '18', ...far],
		`PG_PASSWORD=wrong\n${STEPS}`
	);
	expect(wrong).toMatchObject({ code: 1 });
	const odoo = await container.exec(
		['bash', '-s', '--', 'role', '--version', '18', ...far],
		`PG_PASSWORD="s3cret:'\\\\"\n${STEPS}`
	);
	expect(odoo).toMatchObject({ code: 0 });
	for (const name of ['config', 'service']) await well(step(name, ...far));
	await well(step('databases', ...far, '--languages', 'pt_BR', '--suffix', '_far'));
	// Nobody but its owner gets in, whatever password he has.
	const owner =
		"select pg_get_userbyid(datdba), has_database_privilege('public', oid, 'connect') from pg_database where datname = 'tpl_18_pt_BR_far'";
	const asked = ['psql', '-X', '-h', '127.0.0.1', '-U', 'odoo_far', '-d', 'postgres', '-At', '-c'];
	expect(await line('runuser', '-u', 'odoo', '--', ...asked, owner)).toBe('odoo_far|f');
});

it('made a template, each copy becomes a system of its own at its first start', async () => {
	const before = {
		machine: await line('cat', '/etc/machine-id'),
		password: /^admin_passwd = (.*)$/m.exec(container.read('/etc/odoo/odoo.conf'))?.[1]
	};
	await well(step('clean'));
	expect(container.read('/etc/machine-id')).toBe('');
	const made = await run(SCRIPT, ['--step', 'verify', String(VMID), '18'], {
		env: container.asProxmoxHost(VMID)
	});
	expect(made.code).not.toBe(0);
	await container.stop();
	await container.start();
	await expect.poll(async () => (await get('/healthz')).status, { timeout: 60_000 }).toBe(200);
	const machine = await line('cat', '/etc/machine-id');
	expect(machine).toMatch(/^[0-9a-f]{32}$/);
	expect(machine).not.toBe(before.machine);
	const password = /^admin_passwd = (.*)$/m.exec(container.read('/etc/odoo/odoo.conf'))?.[1];
	expect(password).toMatch(/^\$pbkdf2-sha512\$/);
	expect(password).not.toBe(before.password);
});
