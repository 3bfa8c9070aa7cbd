import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
const moves: unknown[] = [];
const app = createServer((request, response) => {
	let body = '';
	request.on('data', (chunk: Buffer) => (body += chunk.toString()));
	request.on('end', () => {
		if (request.url === '/__sandbox/clock') moves.push(JSON.parse(body));
		response.writeHead(200).end();
	});
});
beforeAll(async () => {
	await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
	const { port } = app.address() as AddressInfo;
	sandbox = await startSandbox({
		dataDir: null,
		speed: 0,
		basePort: 0,
		appUrl: `http://127.0.0.1:${port}`
	});
});
afterAll(async () => {
	await sandbox.close();
	app.close();
});

async function call(
	path: string,
	init: RequestInit = {}
): Promise<{ status: number; body: unknown }> {
	const response = await fetch(`${sandbox.url}${path}`, { redirect: 'manual', ...init });
	const text = await response.text();
	const json = response.headers.get('content-type')?.includes('json');
	return { status: response.status, body: json ? JSON.parse(text) : text };
}
const post = (path: string, body: object) =>
	call(path, { method: 'POST', body: JSON.stringify(body) });
const stripe = (path: string, body: Record<string, string>) =>
	fetch(`${sandbox.vendors.stripe.url}${path}`, {
		method: 'POST',
		headers: { authorization: `Bearer ${sandbox.vendors.stripe.key}` },
		body: new URLSearchParams(body)
	});

test('hands out where every stand-in is', () => {
	const { vendors } = sandbox;
	expect(vendors.cloudflare.url).toMatch(/\/client\/v4$/);
	expect(vendors.proxmox.map(({ node }) => node)).toEqual(['pve1', 'pve2', 'pve3']);
	expect(vendors.proxmox[0]?.token).toMatch(/^[\w.]+@\w+![\w-]+=.+/);
	expect(vendors.ssh).toHaveLength(3);
	expect(vendors.stripe.webhook_secret).toMatch(/^whsec_/);
});

test('faults are added, listed, met, and cleared', async () => {
	const made = await post('/__sandbox/faults', {
		target: 'stripe',
		kind: 'status',
		status: 503,
		match: 'POST /v1/products'
	});
	expect(made.status).toBe(201);
	expect((await call('/__sandbox/faults')).body).toMatchObject({
		faults: [{ target: 'stripe', times: 1 }]
	});
	expect((await stripe('/v1/products', { name: 'x' })).status).toBe(503);
	expect((await stripe('/v1/products', { name: 'x' })).status).toBe(200);
	expect((await call('/__sandbox/calls?vendor=stripe&match=products')).body).toMatchObject({
		calls: [{ fault: 'status' }, { status: 200 }]
	});
	await post('/__sandbox/faults', { target: 'dns', kind: 'drop' });
	await call('/__sandbox/faults', { method: 'DELETE' });
	expect((await call('/__sandbox/faults')).body).toEqual({ faults: [] });
	for (const wrong of [
		{ target: 'mars', kind: 'drop' },
		{ target: 'dns', kind: 'x' },
		{ target: 'dns', kind: 'drop', match: '(' }
	]) {
		expect((await post('/__sandbox/faults', wrong)).status).toBe(400);
	}
});

test('the clock moves the stand-ins and the application together', async () => {
	expect((await call('/__sandbox/clock')).body).toMatchObject({ offset_ms: 0 });
	const moved = await post('/__sandbox/clock', { advance_seconds: 3600 });
	expect(moved.body).toMatchObject({ offset_ms: 3_600_000, app: 'moved' });
	expect(moves).toEqual([{ offset_ms: 3_600_000 }]);
	expect((await post('/__sandbox/clock', { advance_seconds: -1 })).status).toBe(400);
});

test('the console is one page whose forms work without scripts', async () => {
	const page = await call('/');
	expect(page.status).toBe(200);
	for (const id of ['correo', 'reloj', 'pagos', 'dns', 'nodos', 'llamadas', 'fallas']) {
		expect(page.body).toContain(`id="${id}"`);
	}
	expect(page.body).not.toContain('<script');
	const form = (fields: Record<string, string>) =>
		call('/do', { method: 'POST', body: new URLSearchParams(fields) });
	const record = {
		name: 'erp.cliente.com',
		type: 'CNAME',
		content: 'acme.sajet.us',
		'ttl:number': '300'
	};
	expect((await form({ _path: '/__sandbox/dns/records', _back: 'dns', ...record })).status).toBe(
		303
	);
	expect((await call('/')).body).toContain('erp.cliente.com');
	const refused = await fetch(`${sandbox.url}/do`, {
		method: 'POST',
		body: new URLSearchParams({ _path: '/__sandbox/faults', target: 'mars' })
	});
	expect(await refused.text()).toContain('role="alert"');
});

test('a reset brings the initial world back, and state can be read', async () => {
	await stripe('/v1/customers', { email: 'a@example.com' });
	expect(JSON.stringify((await call('/__sandbox/state?vendor=stripe')).body)).toContain(
		'a@example.com'
	);
	expect((await post('/__sandbox/reset', {})).status).toBe(200);
	expect(JSON.stringify((await call('/__sandbox/state?vendor=stripe')).body)).not.toContain(
		'a@example.com'
	);
	expect((await call('/__sandbox/clock')).body).toMatchObject({ offset_ms: 0 });
	expect((await call('/__sandbox/nothing')).status).toBe(404);
});

test('state and clock survive a restart', async () => {
	const dataDir = mkdtempSync(join(tmpdir(), 'sandbox-'));
	try {
		const first = await startSandbox({ dataDir, speed: 0, basePort: 0 });
		await fetch(`${first.vendors.stripe.url}/v1/customers`, {
			method: 'POST',
			headers: { authorization: `Bearer ${first.vendors.stripe.key}` },
			body: new URLSearchParams({ email: 'kept@example.com' })
		});
		await fetch(`${first.url}/__sandbox/clock`, { method: 'POST', body: '{"advance_seconds":60}' });
		await first.close();
		const second = await startSandbox({ dataDir, speed: 0, basePort: 0 });
		const state = await (await fetch(`${second.url}/__sandbox/state?vendor=stripe`)).text();
		const clock = await (await fetch(`${second.url}/__sandbox/clock`)).text();
		await second.close();
		expect(state).toContain('kept@example.com');
		expect(clock).toContain('"offset_ms":60000');
		expect(second.vendors.proxmox[0]?.fingerprint).toBe(first.vendors.proxmox[0]?.fingerprint);
	} finally {
		rmSync(dataDir, { recursive: true, force: true });
	}
});
