import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestEvent } from '../../../../tests/access/event.ts';
import { bearerFor, createStaff } from '../../../../tests/factories/identity.ts';
import { aPublishedTenant } from '../../../../tests/factories/tunnels.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import '#lib/domains/tunnels/tunnelActs.server.ts';
import { converge, requestConvergence } from '#lib/domains/tunnels/tunnels.server.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
process.env.CLOUDFLARE_API_URL = standIn.url;
process.env.CLOUDFLARE_API_TOKEN = standIn.token;
process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
await testQueue({ work: false });
// What a request goes through reads the environment as it is loaded.
const { handle } = await import('../../../hooks.server.ts');
const list = await import('./+server.ts');
const one = await import('./[id]/+server.ts');
const restart = await import('./[id]/restart/+server.ts');
const repair = await import('./[id]/repair/+server.ts');
const changes = await import('./[id]/changes/+server.ts');

const staff = await createStaff('administrator');
const writer = await bearerFor(staff, ['domains:read', 'domains:write']);
const reader = await bearerFor(staff, ['domains:read']);
let id = '';

beforeAll(async () => {
	const tunnel = await db.tunnel.create({
		data: {
			...{ cloudflareId: standIn.tunnelId, name: 'tcs-sajet-tunnel' },
			baseDomains: { create: { name: 'sajet.us', zoneId: standIn.zoneId, isDefault: true } }
		}
	});
	id = tunnel.id;
	await aPublishedTenant(db, 'acme');
	await transaction((tx) => requestConvergence(tx, id));
	await converge(id);
});

type Handler = typeof one.GET;
interface Ask {
	path?: string;
	method?: string;
	body?: object;
	search?: string;
	authorization?: string;
}

async function ask(handler: Handler, { path = '', search = '', ...rest }: Ask = {}) {
	const { method = 'GET', authorization = writer, body } = rest;
	const event = requestEvent({
		...{ routeId: `/api/tunnels${path}`, params: path ? { id } : {}, method },
		headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) },
		...(body ? { body: JSON.stringify(body) } : {})
	});
	event.url.search = search;
	const response = await handle({ event, resolve: () => handler(event) });
	return { status: response.status, ...(await response.json()) };
}
const jobs = async (name: string) =>
	(
		await db.$queryRaw<{ data: unknown }[]>`
			SELECT data FROM pgboss.job WHERE name = ${name} ORDER BY created_on, id`
	).map(({ data }) => data);

test('tunnels are listed and looked at, and nothing shows a secret', async () => {
	const all = await ask(list.GET, { search: '?search=sajet', authorization: reader });
	expect(all).toMatchObject({
		status: 200,
		data: [
			{
				...{ id, name: 'tcs-sajet-tunnel', cloudflare_id: standIn.tunnelId, source: 'cloudflare' },
				...{ hosts: 1, base_domains: ['sajet.us'], converged: true, drifted_at: null, status: null }
			}
		]
	});
	expect((await ask(list.GET, { search: '?state=drifted' })).data).toEqual([]);
	const single = await ask(one.GET, { path: '/[id]' });
	expect(single.data).toEqual(all.data[0]);
	expect(JSON.stringify(single)).not.toMatch(/token/i);
});

test('its log says what was written', async () => {
	const { data, meta } = await ask(changes.GET, { path: '/[id]/changes' });
	expect(meta).toMatchObject({ total: 1 });
	expect(data).toMatchObject([
		{ kind: 'converged', by: null, diff: { counts: { added: 2, removed: 0, changed: 0 } } }
	]);
});

test('one is asked for, and a name that Cloudflare has is refused beside its field', async () => {
	const made = await ask(list.POST, { method: 'POST', body: { name: 'sajet-pve2' } });
	expect(made).toMatchObject({ status: 202, data: { name: 'sajet-pve2', cloudflare_id: null } });
	expect(await jobs('tunnels.act')).toMatchObject([{ tunnelId: made.data.id, act: 'create' }]);
	const refused = await ask(list.POST, { method: 'POST', body: { name: 'tcs-sajet-tunnel' } });
	expect(refused).toMatchObject({
		...{ status: 400, error: 'BAD_INPUT' },
		fields: { name: expect.any(String) }
	});
});

test('restart, repair and delete are asked for; what still leads somewhere stays', async () => {
	const act = { path: '/[id]/restart', method: 'POST' };
	expect((await ask(restart.POST, act)).status).toBe(202);
	expect(await jobs('tunnels.act')).toContainEqual(
		expect.objectContaining({ tunnelId: id, act: 'restart' })
	);
	const wish = { path: '/[id]/repair', method: 'POST', body: { foreign: 'keep' } };
	expect((await ask(repair.POST, wish)).status).toBe(202);
	expect(await jobs('tunnels.converge')).toContainEqual(
		expect.objectContaining({ tunnelId: id, repair: expect.objectContaining({ foreign: 'keep' }) })
	);
	const gone = await ask(one.DELETE, { path: '/[id]', method: 'DELETE' });
	expect(gone).toMatchObject({ status: 409, error: 'STILL_ALIVE' });
	expect(cloudflareDocument(kernel).get().tunnels).toHaveLength(1);
});

test('who may only read changes nothing', async () => {
	for (const [handler, path, body] of [
		[list.POST, '', { name: 'x' }],
		[restart.POST, '/[id]/restart', undefined],
		[repair.POST, '/[id]/repair', {}]
	] as const) {
		const answer = await ask(handler, { path, method: 'POST', body, authorization: reader });
		expect(answer.status).toBe(403);
	}
	expect(
		(await ask(one.DELETE, { path: '/[id]', method: 'DELETE', authorization: reader })).status
	).toBe(403);
});
