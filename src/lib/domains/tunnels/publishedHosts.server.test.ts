import { beforeEach, describe, expect, test } from 'vitest';
import {
	aPublishedDomain,
	aPublishedTenant,
	aTunnel
} from '../../../../tests/factories/tunnels.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { matchIngress } from '../../../sandbox/cloudflare/ingress.ts';
import { derivedRules, ensureControlPlane, foreignIn } from './derivedIngress.server.ts';
import { WEBSOCKET_PATH } from './ingress.ts';
import { tunnelsOfTenants } from '../tenantHosts.server.ts';
import { publishedHosts } from './publishedHosts.server.ts';
import { routes } from './tunnelState.server.ts';

process.env.ORIGIN = 'https://erp.sajet.us';
process.env.INTERNAL_URL = 'http://10.0.0.2:4443';
await testDatabase();

const APP = 'http://10.0.0.2:4443';
const CONTAINER = 'http://10.10.20.5:80';
let tunnelId = '';

beforeEach(async () => {
	await db.customDomain.deleteMany({});
	await db.tenant.deleteMany({});
	await db.edgeHost.deleteMany({});
	await db.baseDomain.deleteMany({});
	await db.tunnel.deleteMany({});
	tunnelId = (await aTunnel(db)).id;
	await db.baseDomain.create({
		data: { name: 'sajet.us', zoneId: 'zone', isDefault: true, tunnelId }
	});
});

const rulesOf = async (hostname: string) =>
	(await derivedRules(db, tunnelId)).filter((rule) => rule.hostname === hostname);
const serviceOf = async (hostname: string) =>
	matchIngress(await derivedRules(db, tunnelId), hostname, '/')?.service;

describe('the hosts of a tunnel', () => {
	test('a customer’s domain has the rules of its tenant, with the host that the database is chosen by', async () => {
		const tenant = await aPublishedTenant(db, 'acme');
		await aPublishedDomain(db, tenant, 'erp.acme.com');
		expect(await rulesOf('erp.acme.com')).toEqual([
			{
				...{ hostname: 'erp.acme.com', path: WEBSOCKET_PATH, service: CONTAINER },
				originRequest: { httpHostHeader: 'acme.sajet.us' }
			},
			{
				...{ hostname: 'erp.acme.com', service: CONTAINER },
				originRequest: { httpHostHeader: 'acme.sajet.us' }
			}
		]);
		expect(await rulesOf('acme.sajet.us')).toEqual([
			{ hostname: 'acme.sajet.us', path: WEBSOCKET_PATH, service: CONTAINER },
			{ hostname: 'acme.sajet.us', service: CONTAINER }
		]);
	});

	test.each([
		['is not published', { published: false }],
		['comes through our own edge', { driver: 'edge' as const }],
		['was removed', { status: 'removed' as const }]
	])('a domain that %s has none', async (_, data) => {
		await aPublishedDomain(db, await aPublishedTenant(db, 'acme'), 'erp.acme.com', data);
		expect(await rulesOf('erp.acme.com')).toEqual([]);
		expect(await serviceOf('acme.sajet.us')).toBe(CONTAINER);
	});

	test.each(['suspended', 'deleting'] as const)(
		'of a tenant that is %s all lead to us, by one rule each',
		async (status) => {
			const tenant = await aPublishedTenant(db, 'acme');
			await aPublishedDomain(db, tenant, 'erp.acme.com', { isPrimary: true });
			await db.tenant.update({ where: { id: tenant.id }, data: { status } });
			for (const hostname of ['erp.acme.com', 'acme.sajet.us'])
				expect(await rulesOf(hostname)).toEqual([{ hostname, service: APP }]);
			await db.tenant.update({ where: { id: tenant.id }, data: { status: 'active' } });
			expect(await serviceOf('erp.acme.com')).toBe(CONTAINER);
		}
	);

	test('what only sends on leads to us: the other of a pair, and our name while another is primary', async () => {
		const tenant = await aPublishedTenant(db, 'acme');
		const main = await aPublishedDomain(db, tenant, 'acme.com', { isPrimary: true });
		await aPublishedDomain(db, tenant, 'www.acme.com', { redirectToId: main.id });
		expect(await serviceOf('acme.com')).toBe(CONTAINER);
		expect(await rulesOf('www.acme.com')).toEqual([{ hostname: 'www.acme.com', service: APP }]);
		expect(await serviceOf('acme.sajet.us')).toBe(APP);
		// It broke: our name answers again, so that nobody is locked out.
		await db.customDomain.update({ where: { id: main.id }, data: { status: 'error' } });
		expect(await serviceOf('acme.sajet.us')).toBe(CONTAINER);
	});

	test('a tenant goes by its own tunnel, and by its base domain’s while it has none; custom hostnames always by that one', async () => {
		const other = await aTunnel(db);
		const tenant = await aPublishedTenant(db, 'acme');
		await aPublishedDomain(db, tenant, 'erp.acme.com', { driver: 'account_cname' });
		await aPublishedDomain(db, tenant, 'saas.acme.com');
		const names = async (id: string) =>
			(await publishedHosts(db, id)).map(({ hostname }) => hostname).sort();
		expect(await names(tunnelId)).toEqual(['acme.sajet.us', 'erp.acme.com', 'saas.acme.com']);
		await db.tenant.update({ where: { id: tenant.id }, data: { tunnelId: other.id } });
		expect(await names(tunnelId)).toEqual(['saas.acme.com']);
		expect(await names(other.id)).toEqual(['acme.sajet.us', 'erp.acme.com']);
		expect(await routes(db, tunnelId)).toBe(true);
		expect([...(await transaction((tx) => tunnelsOfTenants(tx, [tenant.id])))].sort()).toEqual(
			[other.id, tunnelId].sort()
		);
	});

	test('of two who claim one name the one who has proven it is served', async () => {
		const thief = await aPublishedTenant(db, 'thief', '10.10.20.66');
		await aPublishedDomain(db, thief, 'erp.acme.com', { verifiedAt: null });
		await aPublishedDomain(db, await aPublishedTenant(db, 'acme'), 'erp.acme.com');
		expect(await serviceOf('erp.acme.com')).toBe(CONTAINER);
		expect(await rulesOf('erp.acme.com')).toHaveLength(2);
	});

	test('a name that has become a customer’s is not what somebody else once wrote for it', async () => {
		const host = { tunnelId, hostname: 'erp.acme.com', service: 'http://10.9.9.9' };
		await db.edgeHost.create({ data: { ...host, adopted: true } });
		expect(await serviceOf('erp.acme.com')).toBe('http://10.9.9.9');
		await aPublishedDomain(db, await aPublishedTenant(db, 'acme'), 'erp.acme.com');
		expect(await serviceOf('erp.acme.com')).toBe(CONTAINER);
	});
});

describe('rules of others', () => {
	const current = [
		{ hostname: 'erp.acme.com', service: 'http://10.9.9.9' },
		{ service: 'http_status:404' }
	];

	test('a mere claim of a name makes nothing ours', async () => {
		const tenant = await aPublishedTenant(db, 'acme');
		await aPublishedDomain(db, tenant, 'erp.acme.com', {
			...{ published: false, publishedVersion: null, status: 'pending', verifiedAt: null }
		});
		expect(await foreignIn(db, tunnelId, current)).toMatchObject([{ hostname: 'erp.acme.com' }]);
	});

	test('what once was a customer’s rule is left to go', async () => {
		const tenant = await aPublishedTenant(db, 'acme');
		await aPublishedDomain(db, tenant, 'erp.acme.com', { published: false, status: 'removed' });
		expect(await foreignIn(db, tunnelId, current)).toEqual([]);
	});
});

describe('the control plane', () => {
	test('is a row of the tunnel that its domain goes through, once', async () => {
		await ensureControlPlane(db, tunnelId);
		await ensureControlPlane(db, tunnelId);
		expect(await db.edgeHost.findMany()).toMatchObject([
			{ tunnelId, hostname: 'erp.sajet.us', path: null, service: APP, adopted: false }
		]);
		const other = await aTunnel(db);
		await ensureControlPlane(db, other.id);
		expect(await db.edgeHost.count()).toBe(1);
	});

	test('stays where somebody leads it', async () => {
		const service = 'https://10.0.0.7:4443';
		await db.edgeHost.create({ data: { tunnelId, hostname: 'erp.sajet.us', service } });
		await ensureControlPlane(db, tunnelId);
		expect(await serviceOf('erp.sajet.us')).toBe(service);
		expect(await db.edgeHost.count()).toBe(1);
	});
});
