import { expect, test } from 'vitest';
import { runRoute } from '../cloudflare/testing.ts';
import { Kernel } from '../kernel/kernel.ts';
import { clusterOf } from '../proxmox/cluster.ts';
import { runNginx } from './commands.ts';
import { checkConfig, ConfigError, parseConfig, serversOf } from './config.ts';
import { nginxControlRoutes } from './control.ts';
import { answerByNginx, nginxAtAddress } from './serve.ts';
import { MAIN, nginxDocument } from './state.ts';
import { untar } from './tar.ts';

const kernel = new Kernel({ dataDir: null, speed: 0 });
clusterOf(kernel);
const fine = () => null;
const checked = (text: string) => {
	try {
		checkConfig(parseConfig(text, MAIN), MAIN, fine);
		return 'ok';
	} catch (error) {
		if (error instanceof ConfigError) return error.message;
		throw error;
	}
};
const run = (argv: string[], stdin = '') => {
	const { signal } = new AbortController();
	const call = { argv, stdin: Buffer.from(stdin), env: {}, signal };
	const done = runNginx(kernel, { node: 'pve1', vmid: null }, call);
	return (
		done && { code: done.code, stdout: done.stdout.toString(), stderr: done.stderr.toString() }
	);
};

test.each([
	['http { server { listen 80; } }', 'ok'],
	['# only a comment', 'ok'],
	['http { server { listen 80 }', 'unexpected "}"'],
	['http { server { listen 80;', 'unexpected end of file'],
	['http { server { lissen 80; } }', 'unknown directive "lissen"'],
	['server { listen 80; }', 'unknown directive "server"'],
	['http { server { listen 443 ssl; } }', 'no "ssl_certificate" is defined'],
	['http { server { listen 443 ssl default_server; ssl_reject_handshake on; } }', 'ok'],
	[
		'http { server { listen 80 default_server; } server { listen 80 default_server; } }',
		'a duplicate default server'
	],
	['http { map "a b" $x { default "un;closed }', 'expecting quote']
])('nginx -t of %s', (text, said) => {
	expect(checked(text)).toContain(said);
});

test('blocks, quotes and comments are read as nginx reads them', () => {
	const [server] = serversOf(parseConfig("http { server { return 200 'a;b{'; # }\n } }", MAIN));
	expect(server?.inside).toEqual([{ name: 'return', words: ['200', 'a;b{'], inside: null }]);
});

test('is reached at its address while it runs; other places have none', async () => {
	const routes = nginxControlRoutes(kernel);
	const body = { node: 'pve1' };
	expect(nginxAtAddress(kernel, '203.0.113.10')).not.toBeNull();
	await runRoute(routes, 'POST', '/__sandbox/nginx/stop', body);
	expect(nginxAtAddress(kernel, '203.0.113.10')).toBeNull();
	expect(run(['nginx', '-s', 'reload'])?.stderr).toContain('invalid PID');
	await runRoute(routes, 'POST', '/__sandbox/nginx/start', body);
	expect(nginxAtAddress(kernel, '203.0.113.10')).not.toBeNull();
	const taken = await runRoute(routes, 'POST', '/__sandbox/nginx', {
		...{ node: 'pve2', address: '203.0.113.10' }
	});
	expect(taken.status).toBe(409);
	const made = await runRoute(routes, 'POST', '/__sandbox/nginx', {
		...{ node: 'pve2', address: '203.0.113.11' }
	});
	expect(made.status).toBe(201);
	expect(nginxAtAddress(kernel, '203.0.113.11')?.node).toBe('pve2');
});

test('serves what it read at the last reload, by Host and path', async () => {
	const machine = nginxDocument(kernel).get().machines[0]!;
	const text = `http { server { listen 80; server_name a.com; location / { return 307 https://$host$request_uri; }
		location ^~ /x/ { return 200 prefix; } location ~ \\.png$ { return 418 image; } } }`;
	machine.files[MAIN] = { content: Buffer.from(text).toString('base64'), mode: '644' };
	const ask = (host: string, path: string) =>
		answerByNginx(kernel, machine, {
			...{ method: 'GET', path, query: new URLSearchParams(), host, body: Buffer.alloc(0) },
			headers: { 'x-forwarded-proto': 'http' }
		});
	expect(await ask('a.com', '/')).toBeNull();
	expect(run(['nginx', '-t'])?.code).toBe(0);
	expect(run(['nginx', '-s', 'reload'])?.code).toBe(0);
	expect(await ask('a.com', '/y')).toMatchObject({
		status: 307,
		headers: { location: 'https://a.com/y' }
	});
	expect(await ask('a.com', '/x/a.png')).toMatchObject({ status: 200, body: 'prefix' });
	expect(await ask('a.com', '/a.png')).toMatchObject({ status: 418 });
	expect(await ask('b.com', '/')).toBeNull();
});

test('what is no archive is refused, and nothing of another program is taken', () => {
	expect(untar(Buffer.from('nonsense'.repeat(200)))).toBeNull();
	expect(run(['tar', '-x', '-C', '/etc/nginx/erp-core'], 'x'.repeat(600))?.code).toBe(2);
	expect(run(['ls', '/var/lib'])).toBeNull();
	expect(run(['pct', 'list'])).toBeNull();
});
