import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Kernel } from '../kernel/kernel.ts';
import { startCloudflare } from './server.ts';
import { testAccount } from './testing.ts';

const { kernel, standIn, sdk, call, control, zone } = await testAccount();
const issue = async (body: object): Promise<string> => {
	const answer = await control('POST', '/tokens', body);
	return (JSON.parse(JSON.stringify(answer.body)) as { token: string }).token;
};

describe('tokens', () => {
	test('the token of the sandbox verifies as a user token only', async () => {
		expect(await sdk.user.tokens.verify()).toMatchObject({ status: 'active' });
		const account = await call('GET', `/accounts/${standIn.accountId}/tokens/verify`);
		expect(account).toMatchObject({ status: 401, body: { errors: [{ code: 1000 }] } });
	});

	test('an account token verifies at its account only', async () => {
		const token = await issue({ owner: 'account' });
		expect((await call('GET', '/user/tokens/verify', undefined, token)).body.errors).toEqual([
			{ code: 1000, message: 'Invalid API Token' }
		]);
		const path = `/accounts/${standIn.accountId}/tokens/verify`;
		expect((await call('GET', path, undefined, token)).body.result.status).toBe('active');
	});

	test('each way to have no valid token has its code', async () => {
		const unknown = 'x'.repeat(40);
		expect(await call('GET', '/user/tokens/verify', undefined, unknown)).toMatchObject({
			status: 401,
			body: { success: false, result: null, errors: [{ code: 1000 }] }
		});
		expect(await call('GET', '/zones', undefined, unknown)).toMatchObject({
			status: 403,
			body: { errors: [{ code: 9109 }] }
		});
		expect(await call('GET', '/zones', undefined, 'short')).toMatchObject({
			status: 400,
			body: { errors: [{ code: 6003, error_chain: [{ code: 6111 }] }] }
		});
		const none = await fetch(`${standIn.url}/zones`);
		expect([none.status, (await none.json()).errors[0].code]).toEqual([400, 9106]);
	});

	test('a missing permission is an authentication error, a read permission reads', async () => {
		const token = await issue({ scopes: ['zone:read', 'dns:read'] });
		expect((await call('GET', `${zone}/dns_records`, undefined, token)).status).toBe(200);
		for (const [method, path] of [
			['POST', `${zone}/dns_records`],
			['GET', `/accounts/${standIn.accountId}/cfd_tunnel`],
			['GET', `${zone}/custom_hostnames`]
		] as const) {
			const answer = await call(method, path, method === 'POST' ? {} : undefined, token);
			expect(answer).toMatchObject({ status: 403, body: { errors: [{ code: 10000 }] } });
		}
	});

	test('a token past its end says so and opens nothing', async () => {
		const token = await issue({ expires_on: new Date(Date.now() + 3_600_000).toISOString() });
		expect((await call('GET', '/zones', undefined, token)).status).toBe(200);
		kernel.clock.advance(7_200_000);
		const verified = await call('GET', '/user/tokens/verify', undefined, token);
		expect(verified.body.result.status).toBe('expired');
		expect((await call('GET', '/zones', undefined, token)).status).toBe(403);
	});
});

describe('zones', () => {
	test('both zones are active and belong to the account', async () => {
		const names: string[] = [];
		for await (const one of sdk.zones.list()) {
			expect(one).toMatchObject({ status: 'active', account: { id: standIn.accountId } });
			names.push(one.name);
		}
		expect(names).toEqual(['sajet.us', 'triboka.com']);
	});

	test('pages end where result_info says', async () => {
		const first = await call('GET', '/zones?per_page=1&page=1');
		expect(first.body.result_info).toEqual({
			page: 1,
			per_page: 1,
			count: 1,
			total_count: 2,
			total_pages: 2
		});
		expect((await call('GET', '/zones?per_page=1&page=3')).body.result).toEqual([]);
		expect((await call('GET', '/zones?page=0')).status).toBe(400);
	});

	test('filters by name and finds by id', async () => {
		const { result } = await sdk.zones.list({ name: 'sajet.us' });
		expect(result.map(({ id }) => id)).toEqual([standIn.zoneId]);
		expect((await sdk.zones.get({ zone_id: standIn.zoneId })).name).toBe('sajet.us');
		expect((await call('GET', '/zones?name=nobody.org')).body.result).toEqual([]);
	});

	test('another zone is refused, a path that is none has no route', async () => {
		expect(await call('GET', `/zones/${'0'.repeat(32)}`)).toMatchObject({
			status: 403,
			body: { errors: [{ code: 9109 }] }
		});
		expect((await call('GET', '/zones/sajet.us')).body.errors[0].code).toBe(7003);
		expect(
			(await call('GET', '/nowhere')).body.errors.map((e: { code: number }) => e.code)
		).toEqual([7003, 7000]);
	});

	test('a new zone waits for its activation', async () => {
		const account = { id: standIn.accountId };
		const created = await sdk.zones.create({ account, name: 'nuevo.do', type: 'full' });
		expect(created.status).toBe('pending');
		expect((await call('PUT', `/zones/${created.id}/activation_check`)).status).toBe(200);
		expect((await call('POST', '/zones', { account, name: 'nuevo.do' })).body.errors[0].code).toBe(
			1061
		);
		await control('POST', '/zones', { name: 'nuevo.do', status: 'active' });
		expect((await sdk.zones.get({ zone_id: created.id })).status).toBe('active');
	});

	test('a zone is paused and goes on', async () => {
		for (const paused of [true, false]) {
			const answer = await call('PATCH', zone, { paused });
			expect(answer.body.result.paused).toBe(paused);
		}
	});

	test('the account reads back', async () => {
		expect((await sdk.accounts.get({ account_id: standIn.accountId })).name).toBe('Jeturing SRL');
		expect((await sdk.accounts.list()).result).toHaveLength(1);
	});
});

describe('rate limit', () => {
	test('every answer counts down; over the limit everything is 429 for the next five minutes', async () => {
		const before = await call('GET', '/zones');
		expect(before.headers.get('ratelimit-policy')).toBe('"default";q=1200;w=300');
		expect(before.headers.get('ratelimit')).toMatch(/^"default";r=\d+;t=\d+$/);
		const token = await issue({});
		await control('POST', '/rate-limit', { enforced: true, requests: 2 });
		const statuses = [];
		for (let n = 0; n < 3; n += 1) {
			statuses.push((await call('GET', '/zones', undefined, token)).status);
		}
		expect(statuses).toEqual([200, 200, 429]);
		const over = await call('GET', '/zones', undefined, token);
		expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0);
		expect(over.body.errors[0].code).toBe(971);
		expect(over.headers.get('ratelimit')).toMatch(/^"default";r=0;t=\d+$/);
		kernel.clock.advance(301_000);
		expect((await call('GET', '/zones', undefined, token)).status).toBe(200);
		await control('POST', '/rate-limit', { enforced: false, requests: 1200 });
	});
});

test('the five minutes of a refusal count from the call that went over, not from the first one', async () => {
	const token = await issue({});
	await control('POST', '/rate-limit', { enforced: true, requests: 1 });
	const look = async () => (await call('GET', '/zones', undefined, token)).status;
	expect(await look()).toBe(200);
	kernel.clock.advance(290_000);
	expect(await look()).toBe(429);
	// The window of the first call is over, the refusal is not; asking meanwhile does not prolong it.
	kernel.clock.advance(290_000);
	expect(await look()).toBe(429);
	kernel.clock.advance(11_000);
	expect(await look()).toBe(200);
	await control('POST', '/rate-limit', { enforced: false, requests: 1200 });
});

test('the account survives a restart, with the same ids and token', async () => {
	const dataDir = mkdtempSync(join(tmpdir(), 'cloudflare-'));
	const run = async (method: string, body?: object) => {
		const own = new Kernel({ dataDir, speed: 0 });
		const server = await startCloudflare(own, { port: 0 });
		const answer = await fetch(`${server.url}/zones/${server.zoneId}/dns_records`, {
			method,
			headers: { authorization: `Bearer ${standIn.token}` },
			body: body && JSON.stringify(body)
		});
		await server.close();
		own.store.flush();
		return answer.json();
	};
	const made = await run('POST', { type: 'TXT', name: 'kept', content: 'x' });
	expect((await run('GET')).result).toEqual([made.result]);
	rmSync(dataDir, { recursive: true });
});
