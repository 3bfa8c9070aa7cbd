import { afterAll, beforeEach, describe, expect, test } from 'vitest';
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
const install = (version: number) => cluster.guests.install(301, version);

describe('web server inside', () => {
	const ask = async (
		method: string,
		path: string,
		options: { host?: string; form?: object; json?: object; cookie?: string; port?: number } = {}
	) => {
		const service = kernel.network.service('10.20.3.1', options.port ?? 8069);
		if (!service) return null;
		const body = options.json
			? JSON.stringify(options.json)
			: options.form
				? new URLSearchParams(
						Object.entries(options.form).map(([key, value]) => [key, String(value)])
					).toString()
				: '';
		const answer = await service({
			method,
			path,
			query: new URLSearchParams(),
			headers: { cookie: options.cookie ?? '' },
			host: options.host ?? 'acme.sajet.us',
			body: Buffer.from(body)
		});
		return {
			...answer,
			text: typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body),
			headers: answer.headers ?? {}
		};
	};
	const rpc = async (service: string, method: string, ...args: unknown[]) =>
		JSON.parse(
			(await ask('POST', '/jsonrpc', {
				json: { jsonrpc: '2.0', method: 'call', id: 7, params: { service, method, args } }
			}))!.text
		) as { result?: unknown; error?: { data: { name: string } } };
	beforeEach(() => run(`odoo-bin db ${CONFIG} duplicate tpl_18_es acme`));

	test('the Host selects the database, whose login page names it', async () => {
		const page = await ask('GET', '/web/login');
		expect(page).toMatchObject({
			status: 200,
			text: expect.stringContaining('<input type="hidden" name="db" value="acme">')
		});
		expect((await ask('GET', '/web/login', { host: 'other.sajet.us' }))!.status).toBe(404);
		expect((await ask('GET', '/web/health', { host: 'other.sajet.us' }))!.text).toBe(
			'{"status":"pass"}'
		);
	});

	test('a right password opens the home page, a wrong one says so', async () => {
		expect((await ask('GET', '/odoo'))!.headers).toMatchObject({ location: '/web/login' });
		const wrong = await ask('POST', '/web/login', { form: { login: 'admin', password: 'no' } });
		expect(wrong).toMatchObject({ status: 200, text: expect.stringContaining('incorrectos') });
		const right = await ask('POST', '/web/login', { form: { login: 'admin', password: 'admin' } });
		expect(right).toMatchObject({ status: 303, headers: { location: '/odoo' } });
		const cookie = String(right!.headers['set-cookie']).split(';')[0];
		const home = await ask('GET', '/odoo', { cookie });
		expect(home).toMatchObject({ status: 200, text: expect.stringContaining('Conversaciones') });
		expect((await ask('GET', '/odoo', { cookie, host: 'tpl_18_en.sajet.us' }))!.status).toBe(303);
	});

	test('an administrator rewrites the base address unless it is frozen', async () => {
		const { acme } = cluster.guests.get(301)!.databases;
		acme!.parameters['web.base.url.freeze'] = 'True';
		acme!.parameters['web.base.url'] = 'https://acme.sajet.us';
		await ask('POST', '/web/login', { form: { login: 'admin', password: 'admin' } });
		expect(acme!.parameters['web.base.url']).toBe('https://acme.sajet.us');
		delete acme!.parameters['web.base.url.freeze'];
		await ask('POST', '/web/login', {
			form: { login: 'admin', password: 'admin' },
			host: 'acme.evil'
		});
		expect(acme!.parameters['web.base.url']).toBe('http://acme.evil');
	});

	test('a stopped container and a stopped service refuse connections', async () => {
		await run('systemctl stop odoo');
		expect(await ask('GET', '/web/health')).toBeNull();
		await run('systemctl start odoo');
		expect((await run('systemctl is-active odoo')).stdout).toBe('active\n');
		expect(await ask('GET', '/web/health', { port: 22 })).toBeNull();
		await pve.task('POST', '/nodes/pve1/lxc/301/status/stop');
		expect(await ask('GET', '/web/health')).toBeNull();
	});

	test('JSON-RPC answers 200 also when it fails', async () => {
		expect((await rpc('common', 'version')).result).toMatchObject({
			server_version: '18.0',
			protocol_version: 1
		});
		expect((await rpc('common', 'authenticate', 'acme', 'admin', 'admin', {})).result).toBe(2);
		expect((await rpc('common', 'authenticate', 'acme', 'admin', 'no', {})).result).toBe(false);
		expect((await rpc('db', 'list')).error?.data.name).toBe('odoo.exceptions.AccessDenied');
		cluster.guests.get(301)!.listDb = true;
		expect((await rpc('db', 'list')).result).toEqual(['acme', 'tpl_18_en', 'tpl_18_es']);
		expect((await rpc('db', 'drop', 'wrong', 'acme')).error?.data.name).toBe(
			'odoo.exceptions.AccessDenied'
		);
		const users = await rpc(
			'object',
			'execute_kw',
			'acme',
			2,
			'admin',
			'res.users',
			'search_read',
			[[['login', '=', 'admin']]],
			{ fields: ['login'] }
		);
		expect(users.result).toEqual([{ id: 2, login: 'admin' }]);
		install(20);
		expect((await rpc('db', 'list')).error?.data.name).toBe('builtins.KeyError');
	});

	test('the database manager redirects when it worked; up to 19 a failure is a page with 200', async () => {
		const guest = cluster.guests.get(301)!;
		expect((await ask('GET', '/web/database/selector'))!.status).toBe(404);
		guest.listDb = true;
		expect((await ask('GET', '/web/database/selector'))!.text).toContain('tpl_18_es');
		const form = {
			master_pwd: guest.masterPassword,
			name: 'web',
			lang: 'es_MX',
			password: 'secret1',
			login: 'x@y.z',
			phone: ''
		};
		expect(await ask('POST', '/web/database/create', { form })).toMatchObject({
			status: 303,
			headers: { location: '/odoo' }
		});
		expect(await ask('POST', '/web/database/create', { form })).toMatchObject({
			status: 200,
			text: expect.stringContaining('already exists')
		});
		install(20);
		const twenty = cluster.guests.get(301)!;
		twenty.listDb = true;
		expect(
			(await ask('POST', '/web/database/drop', { form: { master_pwd: 'no', name: 'web' } }))!.status
		).toBe(403);
		expect(
			(await ask('POST', '/web/database/drop', {
				form: { master_pwd: twenty.masterPassword, name: 'web' }
			}))!.status
		).toBe(422);
	});

	test('the version is public from 19 on', async () => {
		expect((await ask('GET', '/web/version'))!.status).toBe(404);
		install(19);
		expect(JSON.parse((await ask('GET', '/web/version'))!.text)).toMatchObject({ version: '19.0' });
	});
});
