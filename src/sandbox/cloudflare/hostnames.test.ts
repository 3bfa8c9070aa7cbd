import { beforeEach, describe, expect, test } from 'vitest';
import { dnsControlRoutes } from '../dns/control.ts';
import { runRoute, testAccount } from './testing.ts';

const { kernel, standIn, sdk, call, zone } = await testAccount();
const zone_id = standIn.zoneId;
const path = `${zone}/custom_hostnames`;
const registrar = dnsControlRoutes(kernel);
const publish = (body: object) => runRoute(registrar, 'POST', '/__sandbox/dns/records', body);
const codeOf = (answer: { body: { errors: { code: number }[] } }) => answer.body.errors[0]?.code;
const create = async (hostname: string, method: 'http' | 'txt') => {
	const made = await sdk.customHostnames.create({ zone_id, hostname, ssl: { method, type: 'dv' } });
	return made.id;
};
const read = (id: string) => sdk.customHostnames.get(id, { zone_id });
const states = async (id: string) => {
	const { status, ssl } = await read(id);
	return [status, ssl?.status];
};

beforeEach(async () => {
	kernel.reset();
	await call('POST', `${zone}/dns_records`, {
		...{ type: 'CNAME', name: 'edge', content: `${standIn.tunnelId}.cfargotunnel.com` },
		proxied: true
	});
	return () => {
		kernel.speed = 0;
	};
});

describe('custom hostnames', () => {
	test('wait for the CNAME, then pass each stage of the certificate', async () => {
		// As slow as the real thing, so that each stage can be seen; the clock passes them.
		kernel.speed = 1;
		const id = await create('erp.cliente.com', 'http');
		expect(await states(id)).toEqual(['pending', 'initializing']);
		kernel.clock.advance(10_000);
		expect(await states(id)).toEqual(['pending', 'pending_validation']);
		const waiting = await read(id);
		expect(waiting.verification_errors).toEqual(['custom hostname does not CNAME to this zone.']);
		expect(waiting.ssl?.validation_records?.[0]?.http_url).toContain('erp.cliente.com');
		await publish({ name: 'erp.cliente.com', type: 'CNAME', content: 'edge.sajet.us' });
		expect(await states(id)).toEqual(['active', 'pending_issuance']);
		kernel.clock.advance(31_000);
		expect(await states(id)).toEqual(['active', 'pending_deployment']);
		kernel.clock.advance(31_000);
		expect(await states(id)).toEqual(['active', 'active']);
		expect((await read(id)).ssl?.expires_on).toBeTruthy();
	});

	test('prove ownership and certificate by TXT, before any traffic', async () => {
		const id = await create('txt.cliente.com', 'txt');
		const { ownership_verification: proof, ssl } = await read(id);
		const record = ssl?.validation_records?.[0];
		expect(proof).toMatchObject({ type: 'txt', name: '_cf-custom-hostname.txt.cliente.com' });
		await publish({ name: proof?.name, type: 'TXT', content: 'wrong' });
		expect(await states(id)).toEqual(['pending', 'pending_validation']);
		await publish({ name: proof?.name, type: 'TXT', content: proof?.value });
		expect(await states(id)).toEqual(['active', 'pending_validation']);
		await publish({ name: record?.txt_name, type: 'TXT', content: record?.txt_value });
		expect(await states(id)).toEqual(['active', 'active']);
	});

	test('renew by delegation, and expire without a proof', async () => {
		const name = 'lazy.cliente.com';
		await publish({ name, type: 'CNAME', content: 'edge.sajet.us' });
		const id = await create(name, 'txt');
		const { ssl } = await read(id);
		const delegation = ssl?.dcv_delegation_records?.[0];
		const answer = await publish({
			name: delegation?.cname,
			type: 'CNAME',
			content: delegation?.cname_target
		});
		expect((await states(id))[1]).toBe('active');
		kernel.clock.advance(80 * 86_400_000);
		expect((await states(id))[1]).toBe('active');
		const { id: record } = answer.body as { id: string };
		await runRoute(registrar, 'DELETE', `/__sandbox/dns/records/${record}`, {});
		kernel.clock.advance(95 * 86_400_000);
		expect((await states(id))[1]).toBe('expired');
	});

	test('begin anew when the same settings are sent, and are deleted after a week without', async () => {
		const id = await create('slow.cliente.com', 'http');
		await read(id);
		kernel.clock.advance(6 * 86_400_000);
		await sdk.customHostnames.edit(id, { zone_id, ssl: { method: 'http', type: 'dv' } });
		kernel.clock.advance(6 * 86_400_000);
		expect((await states(id))[1]).toBe('pending_validation');
		kernel.clock.advance(2 * 86_400_000);
		expect(codeOf(await call('GET', `${path}/${id}`))).toBe(1436);
	});

	test('move away, come back, and are deleted when they stay away', async () => {
		const name = 'moves.cliente.com';
		const record = { name, type: 'CNAME', content: 'edge.sajet.us' };
		const first = await publish(record);
		const id = await create(name, 'http');
		expect(await states(id)).toEqual(['active', 'active']);
		const { id: there } = first.body as { id: string };
		await runRoute(registrar, 'DELETE', `/__sandbox/dns/records/${there}`, {});
		expect((await states(id))[0]).toBe('moved');
		const again = await publish(record);
		expect((await states(id))[0]).toBe('active');
		const { id: back } = again.body as { id: string };
		await runRoute(registrar, 'DELETE', `/__sandbox/dns/records/${back}`, {});
		expect((await states(id))[0]).toBe('moved');
		kernel.clock.advance(8 * 86_400_000);
		expect(codeOf(await call('GET', `${path}/${id}`))).toBe(1436);
	});

	test('wait while CAA forbids their authority, and say so', async () => {
		const name = 'strict.cliente.com';
		await publish({ name: 'cliente.com', type: 'CAA', content: '0 issue "letsencrypt.org"' });
		await publish({ name, type: 'CNAME', content: 'edge.sajet.us' });
		const id = await create(name, 'http');
		expect((await states(id))[1]).toBe('pending_validation');
		const { ssl } = await read(id);
		expect(ssl?.validation_errors?.[0]?.message).toContain('caa_error');
		await sdk.customHostnames.edit(id, {
			zone_id,
			ssl: { method: 'http', type: 'dv', certificate_authority: 'lets_encrypt' }
		});
		expect((await states(id))[1]).toBe('active');
	});

	test('refuse duplicates, nonsense, what the plan lacks, and more than the quota', async () => {
		await create('one.cliente.com', 'http');
		const again = await call('POST', path, { hostname: 'ONE.cliente.com', ssl: {} });
		expect([again.status, codeOf(again)]).toEqual([409, 1406]);
		expect(codeOf(await call('POST', path, { hostname: '1.2.3.4' }))).toBe(1407);
		const ssl = { method: 'pigeon' };
		expect(codeOf(await call('POST', path, { hostname: 'x.cliente.com', ssl }))).toBe(1409);
		const custom_origin_server = 'origin.sajet.us';
		const denied = await call('POST', path, { hostname: 'x.cliente.com', custom_origin_server });
		expect([denied.status, codeOf(denied)]).toEqual([403, 1413]);
		expect((await call('GET', `${path}/quota`)).body.result).toMatchObject({
			used: 1,
			allocated: 100
		});
	});

	test('are found by name, paged, and deleted without an envelope', async () => {
		const id = await create('a.cliente.com', 'http');
		await create('b.cliente.com', 'http');
		const found = await sdk.customHostnames.list({ zone_id, hostname: { exact: 'a.cliente.com' } });
		expect(found.result.map((one) => one.id)).toEqual([id]);
		const page = await call('GET', `${path}?per_page=1&page=2`);
		expect(page.body.result[0].hostname).toBe('b.cliente.com');
		expect((await call('DELETE', `${path}/${id}`)).body).toEqual({ id });
		expect(codeOf(await call('GET', `${path}/${id}`))).toBe(1436);
	});
});

describe('fallback origin', () => {
	test('does not exist, waits for its record, is active, goes', async () => {
		const at = `${path}/fallback_origin`;
		expect((await call('GET', at)).status).toBe(404);
		expect((await call('PUT', at, { origin: 'other.org' })).status).toBe(400);
		const early = await sdk.customHostnames.fallbackOrigin.update({
			zone_id,
			origin: 'missing.sajet.us'
		});
		expect(early).toMatchObject({ status: 'initializing' });
		await sdk.customHostnames.fallbackOrigin.update({ zone_id, origin: 'edge.sajet.us' });
		expect(await sdk.customHostnames.fallbackOrigin.get({ zone_id })).toMatchObject({
			origin: 'edge.sajet.us',
			status: 'active'
		});
		expect((await call('DELETE', at)).status).toBe(200);
		expect((await call('GET', at)).status).toBe(404);
	});
});
