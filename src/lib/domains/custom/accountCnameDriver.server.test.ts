import { beforeAll, expect, test, vi } from 'vitest';
import { customDomains, liveTenant } from '../../../../tests/setup/customDomains.ts';
import { outside } from '../../../../tests/setup/outside.ts';
import { testPlatform } from '../../../../tests/setup/platform.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { CustomDomain, Tenant } from '#prisma/generated/client.ts';
import { SYSTEM } from '../../logs/audit.server.ts';
import { removeDomain } from './customDomains.server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const platform = await testPlatform();
const world = outside(platform.sandbox);
const { add, read, becomes, codes, lookNow } = customDomains(platform);
const { cloudflare } = platform.sandbox.vendors;

let acme: Tenant;
let zoneId = '';
beforeAll(async () => {
	await db.baseDomain.updateMany({ data: { driver: 'account_cname' } });
	const answer = await fetch(`${platform.sandbox.url}/__sandbox/cloudflare/zones`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ name: 'cliente.com' })
	});
	({ id: zoneId } = (await answer.json()) as { id: string });
	acme = await liveTenant('acme');
});

/** A record in the customer's zone, which stands in our account. */
async function record(type: string, name: string, content: string): Promise<void> {
	const answer = await fetch(`${cloudflare.url}/zones/${zoneId}/dns_records`, {
		method: 'POST',
		headers: { authorization: `Bearer ${cloudflare.token}`, 'content-type': 'application/json' },
		body: JSON.stringify({ type, name, content, ttl: 1 })
	});
	expect(answer.status).toBe(200);
}
const prove = (domain: CustomDomain) =>
	record('TXT', domain.verificationName, `"${domain.verificationToken}"`);

test('makes the record itself once the token is there, and takes back that one alone', async () => {
	const [domain] = await add(acme, 'erp.cliente.com');
	expect(domain!.driver).toBe('account_cname');
	await lookNow(domain!.id);
	expect(world.records('erp.cliente.com')).toEqual([]);
	await prove(domain!);
	await lookNow(domain!.id);
	const active = await becomes(domain!.id, 'active');
	expect(world.records('erp.cliente.com')).toMatchObject([
		{ type: 'CNAME', proxied: true, comment: `erpcore domain ${active.id}` }
	]);
	const page = await platform.open('erp.cliente.com', '/web/login');
	expect(page.body).toContain('value="acme"');

	await record('TXT', 'erp.cliente.com', '"somebody else\'s"');
	await transaction(async (tx) => removeDomain(tx, await read(active.id), SYSTEM));
	await eventually(
		async () => world.records('erp.cliente.com').every(({ type }) => type === 'TXT'),
		30
	);
	expect(world.records('erp.cliente.com')).toHaveLength(1);
});

test('leaves a record that is not ours alone, and says what is in the way', async () => {
	await record('A', 'tienda.cliente.com', '203.0.113.7');
	const [domain] = await add(acme, 'tienda.cliente.com');
	await prove(domain!);
	const refused = await lookNow(domain!.id);
	expect(refused.status).toBe('error');
	expect(refused.findings).toMatchObject([
		{ code: 'record_in_the_way', params: { type: 'A', content: '203.0.113.7' } }
	]);
	expect(world.records('tienda.cliente.com')).toMatchObject([{ type: 'A' }]);
});

test('says so when the zone is not in our account, or has no certificate for so deep a name', async () => {
	const { dns } = customDomains(platform);
	const [elsewhere] = await add(acme, 'erp.otra-empresa.com');
	await dns.set('TXT', elsewhere!.verificationName, elsewhere!.verificationToken);
	const missing = await lookNow(elsewhere!.id);
	expect(missing.status).toBe('error');
	expect(codes(missing)).toContain('zone_missing');

	const [deep] = await add(acme, 'a.b.cliente.com');
	await prove(deep!);
	const refused = await lookNow(deep!.id);
	expect(refused).toMatchObject({ status: 'error', certificate: 'error' });
	expect(codes(refused)).toContain('certificate_refused');
});
