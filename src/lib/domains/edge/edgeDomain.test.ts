import { beforeAll, expect, test, vi } from 'vitest';
import { giveAway } from '../../../../tests/setup/buyers.ts';
import { testPlatform } from '../../../../tests/setup/platform.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { registrar } from '../../../../tests/setup/registrar.ts';
import { nginxDocument } from '../../../sandbox/nginx/state.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { CustomDomain, Tenant } from '#prisma/generated/client.ts';
import { SYSTEM } from '../../logs/audit.server.ts';
import { prepareBase } from '../base/basePrepare.server.ts';
import { addDomain, removeDomain } from '../custom/customDomains.server.ts';
import { addEdgeServer } from './edgeServerActs.server.ts';
import { requestEdge } from './edgeServers.server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const platform = await testPlatform();
const dns = registrar(platform.sandbox);
const TARGET = 'customers.sajet.us';
let acme: Tenant;

beforeAll(async () => {
	const base = await db.baseDomain.findFirstOrThrow({ where: { isDefault: true } });
	const node = await db.node.findFirstOrThrow({ where: { name: 'pve1' } });
	const place = { nodeId: node.id, vmid: null, ipv4: ['203.0.113.10'], ipv6: [] };
	const { id } = await transaction((tx) =>
		addEdgeServer(tx, { name: 'edge-1', ...place }, { by: SYSTEM })
	);
	await db.baseDomain.update({
		where: { id: base.id },
		data: { driver: 'edge', target: TARGET, edgeServerId: id }
	});
	await prepareBase(base.id);
	const { tenantId } = await giveAway('basic', 'acme');
	const status = async () =>
		(await db.tenant.findUniqueOrThrow({ where: { id: tenantId } })).status === 'active';
	await eventually(status, 60);
	acme = await db.tenant.findUniqueOrThrow({ where: { id: tenantId } });
});
const becomes = (id: string, status: CustomDomain['status']) =>
	eventually(async () => {
		const domain = await db.customDomain.findUniqueOrThrow({ where: { id } });
		return domain.status === status && domain;
	}, 40);
const config = () => nginxDocument(platform.sandbox.kernel).get().machines[0]?.serving?.config;

test('a pair of names on our own edge works by itself, and goes without a trace', async () => {
	const [main, www] = await transaction((tx) =>
		addDomain(tx, { tenantId: acme.id, hostname: 'cacao-real.com', withSibling: true }, SYSTEM)
	);
	expect([main!.driver, www!.hostname]).toEqual(['edge', 'www.cacao-real.com']);
	await dns.set('TXT', main!.verificationName, main!.verificationToken);
	await dns.set('A', 'cacao-real.com', '203.0.113.10');
	await dns.set('CNAME', 'www.cacao-real.com', TARGET);
	const active = await becomes(main!.id, 'active');
	expect(active).toMatchObject({ certificate: 'active', findings: [], error: null });
	expect(active.certificateIssuer).toBe('Sandbox Authority');
	await becomes(www!.id, 'active');

	const page = await platform.open('cacao-real.com', '/web/login');
	expect(page.status).toBe(200);
	expect(page.body).toContain('value="acme"');
	// As soon as the other half works; until then home is the platform's own name.
	const sent = await eventually(async () => {
		const { status, location } = await platform.open('www.cacao-real.com', '/shop');
		return status === 307 && location?.includes('//cacao-real.com') ? location : null;
	});
	expect(new URL(sent).pathname).toBe('/shop');

	await db.tenant.update({ where: { id: acme.id }, data: { status: 'suspended' } });
	const { edgeServerId } = await db.baseDomain.findFirstOrThrow({ where: { isDefault: true } });
	await transaction((tx) => requestEdge(tx, edgeServerId!));
	await eventually(async () => (await platform.open('cacao-real.com', '/')).status === 503);
	await db.tenant.update({ where: { id: acme.id }, data: { status: 'active' } });

	await transaction(async (tx) =>
		removeDomain(tx, await tx.customDomain.findUniqueOrThrow({ where: { id: main!.id } }), SYSTEM)
	);
	await eventually(async () => !config()?.includes('cacao-real.com'), 30);
	expect(config()).not.toContain('cacao-real.com');
	await eventually(async () => (await db.edgeCertificate.count()) === 0);
	expect(await db.edgeCertificate.count()).toBe(0);
});
