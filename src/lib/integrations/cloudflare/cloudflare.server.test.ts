import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { VendorError } from '../errors.ts';
import { unrecorded } from '../record.ts';
import { cloudflare } from './cloudflare.server.ts';
import { CloudflareError } from './errors.ts';

const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
const { zoneId, tunnelId, accountId } = standIn;
const config = { apiToken: standIn.token, baseUrl: standIn.url, accountId, timeoutMs: 5000 };
const client = cloudflare(config, unrecorded);
const target = `${tunnelId}.cfargotunnel.com`;
const cname = (name: string) => ({ zoneId, name, target, comment: `erp-core:${name}` });
const last = { service: 'http_status:404' };

const failure = async (call: Promise<unknown>): Promise<CloudflareError> => {
	const error = await call.then(
		() => null,
		(caught: unknown) => caught
	);
	if (!(error instanceof CloudflareError)) throw new Error('it did not fail as Cloudflare does');
	return error;
};
beforeEach(() => kernel.reset());

describe('zones and records', () => {
	test('a record is created, found by name and by mark, changed and deleted', async () => {
		expect((await client.zones.list()).map(({ name }) => name)).toEqual([
			'sajet.us',
			'triboka.com'
		]);
		expect(await client.zones.list({ name: 'sajet.us' })).toHaveLength(1);
		expect((await client.zones.get(zoneId)).status).toBe('active');

		const made = await client.dns.createCname(cname('acme.sajet.us'));
		expect(made).toMatchObject({ type: 'CNAME', content: target, proxied: true, ttl: 1 });
		expect(await client.dns.findByName(zoneId, 'acme.sajet.us')).toEqual([made]);
		expect(await client.dns.findByName(zoneId, 'acm.sajet.us')).toEqual([]);
		expect(await client.dns.findByComment(zoneId, 'erp-core:')).toEqual([made]);
		const moved = await client.dns.setTarget(zoneId, made.id, 'other.example');
		expect(moved).toMatchObject({ content: 'other.example', comment: 'erp-core:acme.sajet.us' });
		expect(await client.dns.delete(zoneId, made.id)).toEqual({ deleted: true });
		expect(await client.dns.delete(zoneId, made.id)).toEqual({ deleted: false });
	});

	test('lists are read to their end', async () => {
		const { records } = cloudflareDocument(kernel).get();
		const made = await client.dns.createCname(cname('acme.sajet.us'));
		const first = records[0] ?? cloudflareDocument(kernel).get().records[0];
		if (!first) throw new Error('the record is missing');
		for (let n = 0; n < 1100; n += 1) {
			cloudflareDocument(kernel)
				.get()
				.records.push({ ...first, id: `copy${n}`, name: `n${n}.sajet.us` });
		}
		expect(await client.dns.findByComment(zoneId, made.comment ?? '')).toHaveLength(1101);
	});

	test('a record in the way is a duplicate, never ambiguous', async () => {
		await client.dns.createCname(cname('acme.sajet.us'));
		const error = await failure(client.dns.createCname(cname('acme.sajet.us')));
		expect(error).toMatchObject({
			kind: 'duplicate',
			code: '81053',
			status: 400,
			retryable: false,
			ambiguous: false,
			vendor: 'cloudflare',
			operation: 'dns.create'
		});
		expect(error).toBeInstanceOf(VendorError);
	});
});

describe('tunnels', () => {
	test('life of a tunnel', async () => {
		const made = await client.tunnels.create('second');
		expect(made).toMatchObject({ status: 'inactive', config_src: 'cloudflare' });
		expect((await failure(client.tunnels.create('second'))).kind).toBe('duplicate');
		expect(await client.tunnels.getConfiguration(made.id)).toMatchObject({ config: null });
		expect(await client.tunnels.list({ name: 'second' })).toHaveLength(1);
		expect(await client.tunnels.delete(made.id)).toEqual({ deleted: true });
		expect(await client.tunnels.delete(made.id)).toEqual({ deleted: false });
		expect(await client.tunnels.list({ name: 'second' })).toEqual([]);
		expect((await client.tunnels.get(made.id)).deleted_at).toBeTruthy();
	});

	test('the whole configuration is written and reads back', async () => {
		const ingress = [{ hostname: 'a.sajet.us', service: 'http://10.0.0.5:8069' }, last];
		const written = await client.tunnels.putConfiguration(tunnelId, { ingress });
		expect(written.version).toBe(2);
		const read = await client.tunnels.getConfiguration(tunnelId);
		expect(read.config?.ingress).toEqual(ingress);
		const wrong = await failure(
			client.tunnels.putConfiguration(tunnelId, { ingress: ingress.slice(0, 1) })
		);
		expect(wrong).toMatchObject({ kind: 'invalid', code: '1056' });
		expect(wrong.message).toMatch(/last ingress rule/);
	});

	test('connectors, and the tunnel in use', async () => {
		expect((await client.tunnels.connections(tunnelId))[0]?.conns).toHaveLength(4);
		expect((await failure(client.tunnels.delete(tunnelId))).kind).toBe('in_use');
		await client.tunnels.dropConnections(tunnelId);
		expect(await client.tunnels.connections(tunnelId)).toEqual([]);
		expect((await client.tunnels.get(tunnelId)).status).toBe('down');
		const { token } = await client.tunnels.token(tunnelId);
		expect(Buffer.from(token, 'base64').toString()).toContain(tunnelId);
	});
});

describe('custom hostnames', () => {
	test('are created once, read with what is to be proven, and deleted', async () => {
		const { customHostnames } = client;
		const made = await customHostnames.create(zoneId, 'erp.cliente.com', { method: 'txt' });
		expect(made.ownership_verification?.name).toBe('_cf-custom-hostname.erp.cliente.com');
		const again = customHostnames.create(zoneId, 'erp.cliente.com', { method: 'txt' });
		expect((await failure(again)).kind).toBe('duplicate');
		expect((await customHostnames.findByName(zoneId, 'erp.cliente.com'))?.id).toBe(made.id);
		expect(await customHostnames.findByName(zoneId, 'x.cliente.com')).toBeNull();
		const read = await customHostnames.revalidate(zoneId, made.id, { method: 'txt' });
		expect(read.ssl?.status).toBe('pending_validation');
		expect(read.ssl?.validation_records[0]?.txt_name).toBe('_acme-challenge.erp.cliente.com');
		expect(await customHostnames.delete(zoneId, made.id)).toEqual({ deleted: true });
		expect(await customHostnames.delete(zoneId, made.id)).toEqual({ deleted: false });
		expect((await failure(customHostnames.get(zoneId, made.id))).kind).toBe('not_found');
	});

	test('the fallback origin is set and read', async () => {
		const { customHostnames } = client;
		expect((await failure(customHostnames.fallbackOrigin(zoneId))).kind).toBe('not_found');
		await customHostnames.setFallbackOrigin(zoneId, 'edge.sajet.us');
		expect(await customHostnames.fallbackOrigin(zoneId)).toMatchObject({ status: 'initializing' });
		await client.dns.createCname(cname('edge.sajet.us'));
		expect(await customHostnames.fallbackOrigin(zoneId)).toMatchObject({ status: 'active' });
	});
});

describe('verifyToken', () => {
	const withToken = (owner: 'user' | 'account', scopes: 'all' | 'none', value = 'y'.repeat(40)) => {
		const { tokens } = cloudflareDocument(kernel).get();
		const [all] = tokens;
		if (!all) throw new Error('the sandbox has no token');
		tokens.push({ ...all, id: value, value, owner, scopes: scopes === 'all' ? all.scopes : [] });
		return cloudflare({ ...config, apiToken: value }, unrecorded);
	};
	const every = (answer: string) => ({
		zones: answer,
		dns: answer,
		tunnels: answer,
		customHostnames: answer
	});

	test('a user token and an account token with everything', async () => {
		expect(await client.verifyToken()).toMatchObject({
			valid: true,
			owner: 'user',
			scopes: every('granted')
		});
		expect(await withToken('account', 'all').verifyToken()).toMatchObject({
			valid: true,
			owner: 'account',
			scopes: every('granted')
		});
	});

	test('a valid token without permissions, and an unknown token', async () => {
		expect(await withToken('user', 'none').verifyToken()).toMatchObject({
			valid: true,
			scopes: { zones: 'refused', tunnels: 'refused', dns: 'unknown' }
		});
		const stranger = cloudflare({ ...config, apiToken: 'z'.repeat(40) }, unrecorded);
		expect(await stranger.verifyToken()).toMatchObject({
			valid: false,
			status: 'invalid',
			owner: null,
			scopes: every('unknown')
		});
		expect((await failure(stranger.zones.list())).kind).toBe('unauthorized');
	});

	test('an outage is not a bad token', async () => {
		kernel.faults.add({ target: 'cloudflare', kind: 'status', status: 503, times: 9 });
		expect(await failure(client.verifyToken())).toMatchObject({ kind: 'vendor', status: 503 });
	});
});
