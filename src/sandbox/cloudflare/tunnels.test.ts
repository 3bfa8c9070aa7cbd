import { describe, expect, test } from 'vitest';
import { testAccount } from './testing.ts';

const { standIn, sdk, call, control, kernel } = await testAccount();
const account_id = standIn.accountId;
const base = `/accounts/${account_id}/cfd_tunnel`;
const { cloudflared } = sdk.zeroTrust.tunnels;
const codeOf = (answer: { body: { errors: { code: number }[] } }) => answer.body.errors[0]?.code;
const create = (name: string) => cloudflared.create({ account_id, name, config_src: 'cloudflare' });

describe('tunnels', () => {
	test('the initial one is healthy and answers 404 to everything', async () => {
		const tunnel = await cloudflared.get(standIn.tunnelId, { account_id });
		expect(tunnel).toMatchObject({
			name: 'tcs-sajet-tunnel',
			status: 'healthy',
			config_src: 'cloudflare'
		});
		const { config } = await cloudflared.configurations.get(standIn.tunnelId, { account_id });
		expect(config?.ingress).toEqual([{ service: 'http_status:404' }]);
	});

	test('a new one is inactive and has no configuration', async () => {
		const made = await create('fresh');
		expect(made).toMatchObject({ status: 'inactive', connections: [], account_tag: account_id });
		const answer = await call('GET', `${base}/${made.id}/configurations`);
		expect(answer.body.result).toMatchObject({ config: null, version: 0, source: 'cloudflare' });
	});

	test('a name is taken until its tunnel is deleted, and lists tell both apart', async () => {
		const made = await create('named');
		const again = await call('POST', base, { name: 'named', config_src: 'cloudflare' });
		expect([again.status, codeOf(again)]).toEqual([409, 1013]);
		await cloudflared.delete(made.id ?? '', { account_id });
		expect((await create('named')).id).not.toBe(made.id);
		const list = async (query: string) =>
			(await call('GET', `${base}?name=named${query}`)).body.result.length;
		expect([
			await list(''),
			await list('&is_deleted=false'),
			await list('&is_deleted=true')
		]).toEqual([2, 1, 1]);
		const read = await call('GET', `${base}/${made.id}`);
		expect(read.body.result.deleted_at).toBeTruthy();
		expect((await call('GET', `${base}/${made.id}/configurations`)).status).toBe(404);
	});

	test('renames, and refuses unknown ones and weak secrets', async () => {
		const made = await create('before');
		const renamed = await cloudflared.edit(made.id ?? '', { account_id, name: 'after' });
		expect(renamed.name).toBe('after');
		expect((await call('GET', `${base}/nothing`)).status).toBe(404);
		const weak = await call('POST', base, { name: 'weak', tunnel_secret: 'c2hvcnQ=' });
		expect(weak.status).toBe(400);
		expect(codeOf(await call('POST', base, {}))).toBe(1004);
		expect((await call('GET', `/accounts/${'0'.repeat(32)}/cfd_tunnel`)).status).toBe(403);
	});

	test('the token is a string that cloudflared reads', async () => {
		const token = await cloudflared.token.get(standIn.tunnelId, { account_id });
		const parts = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
		expect(parts).toMatchObject({ a: account_id, t: standIn.tunnelId });
		expect(Buffer.from(parts.s, 'base64')).toHaveLength(32);
	});
});

describe('connectors', () => {
	test('an active tunnel is not deleted; a dropped one is down and goes', async () => {
		const made = await create('busy');
		const id = made.id ?? '';
		await control('POST', `/tunnels/${id}/connector`, { online: true });
		expect(await cloudflared.get(id, { account_id })).toMatchObject({ status: 'healthy' });
		const clients = await call('GET', `${base}/${id}/connections`);
		expect(clients.body.result[0].conns).toHaveLength(4);
		const connector = await call('GET', `${base}/${id}/connectors/${clients.body.result[0].id}`);
		expect(connector.body.result.arch).toBe('linux_amd64');
		const refused = await call('DELETE', `${base}/${id}`);
		expect([refused.status, codeOf(refused)]).toEqual([400, 1022]);
		await cloudflared.connections.delete(id, { account_id });
		expect(await cloudflared.get(id, { account_id })).toMatchObject({ status: 'down' });
		expect((await cloudflared.delete(id, { account_id })).deleted_at).toBeTruthy();
	});

	test('fewer than four connections are degraded', async () => {
		const { id = '' } = await create('weak');
		await control('POST', `/tunnels/${id}/connector`, { online: true, connections: 2 });
		expect(await cloudflared.get(id, { account_id })).toMatchObject({ status: 'degraded' });
		await control('POST', `/tunnels/${id}/connector`, { online: false });
		expect(await cloudflared.get(id, { account_id })).toMatchObject({ status: 'down' });
	});
});

describe('configuration', () => {
	const put = (id: string, ingress: unknown) =>
		call('PUT', `${base}/${id}/configurations`, { config: { ingress } });
	const rule = (hostname: string, service = 'http://10.0.0.5:8069') => ({ hostname, service });
	const last = { service: 'http_status:404' };

	test('replaces the whole, counts versions, and the last writer wins', async () => {
		const { id = '' } = await create('configured');
		const first = await put(id, [rule('a.sajet.us'), last]);
		expect(first.body.result).toMatchObject({ version: 1, tunnel_id: id });
		const second = await put(id, [rule('b.sajet.us'), last]);
		expect(second.body.result.version).toBe(2);
		await control('POST', `/tunnels/${id}/ingress`, { ingress: [last] });
		const read = await call('GET', `${base}/${id}/configurations`);
		expect(read.body.result).toMatchObject({ version: 3, config: { ingress: [last] } });
	});

	test('takes an empty host on the last rule, as the SDK must send it', async () => {
		const { id = '' } = await create('by-sdk');
		const written = await cloudflared.configurations.update(id, {
			account_id,
			config: { ingress: [rule('*.sajet.us'), { hostname: '', service: 'http_status:404' }] }
		});
		expect(written.config?.ingress?.at(-1)).toEqual(last);
	});

	test('a tunnel that its machine configures ignores it', async () => {
		const local = await call('POST', base, { name: 'local' });
		const { id } = local.body.result;
		const written = await put(id, [last]);
		expect([written.status, written.body.result.config]).toEqual([200, null]);
	});

	test.each([
		[[rule('a.sajet.us')], /last ingress rule must match all URLs/],
		[[last, rule('a.sajet.us'), last], /Rule #1 is matching the hostname ''/],
		[[{ ...last, path: '/x' }], /last ingress rule must match all URLs/],
		[[rule('a.*.us'), last], /at most one wildcard/],
		[[rule('a.us:80'), last], /Hostname cannot contain a port/],
		[[rule('a.us', 'http://10.0.0.5:8069/odoo'), last], /different path/],
		[[rule('a.us', 'nothing'), last], /scheme and a hostname/],
		[[rule('a.us', 'http_status:9'), last], /invalid HTTP status/],
		[[{ ...rule('a.us'), path: '(' }, last], /invalid regex/],
		[[{ hostname: 'a.us' }, last], /has no service/],
		[[], /doesn't contain any ingress rules/],
		['nonsense', /ingress must be a list/]
	])('%j is refused', async (ingress, message) => {
		const answer = await put(standIn.tunnelId, ingress);
		expect([answer.status, codeOf(answer)]).toEqual([400, 1056]);
		expect(answer.body.errors[0].message).toMatch(message);
		const read = await call('GET', `${base}/${standIn.tunnelId}/configurations`);
		expect(read.body.result.version).toBe(1);
	});

	test('a reset brings the first world back', async () => {
		await put(standIn.tunnelId, [rule('z.sajet.us'), last]);
		kernel.reset();
		const read = await call('GET', `${base}/${standIn.tunnelId}/configurations`);
		expect(read.body.result).toMatchObject({ version: 1, config: { ingress: [last] } });
		expect((await call('GET', base)).body.result).toHaveLength(1);
	});
});
