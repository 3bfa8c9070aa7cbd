import { beforeEach, describe, expect, test } from 'vitest';
import { createEdgeDomain } from '../../../../tests/factories/edge.ts';
import { testEdge } from '../../../../tests/setup/edge.ts';
import { DAY } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { tendCertificate } from '../edge/acme.server.ts';
import { placeOfDomain } from './domainPlace.server.ts';
import { edgeDriver } from './edgeDriver.server.ts';
import { convergeEdge } from '../edge/edgeServers.server.ts';
import { observe } from '../doctor/observe.server.ts';

const edge = await testEdge();
const HOST = 'erp.cliente.com';
let edgeId = '';
let domainId = '';

beforeEach(async () => {
	({ edgeId, domainId } = await edge.begin(HOST));
});

async function ensured() {
	const place = await placeOfDomain(db, domainId);
	const { hostname, verificationName } = place.domain;
	const seen = await observe({ hostname, verificationName }, { https: false, fresh: true });
	return edgeDriver.ensure(place, { seen, calm: false });
}

describe('what the authority refuses', () => {
	test('is a finding: CAA by its record, the rest in its own words', async () => {
		await edge.dns.set('CAA', 'cliente.com', '0 issue "digicert.com"');
		await tendCertificate(domainId);
		expect(await ensured()).toMatchObject({
			certificate: 'error',
			findings: [
				{
					...{ code: 'caa_forbids', of: 'certificate', blocks: true },
					params: { found: 'digicert.com', at: 'cliente.com', wanted: 'letsencrypt.org' }
				}
			]
		});
		await db.edgeCertificate.update({
			where: { customDomainId: domainId },
			data: { error: 'rateLimited: too many' }
		});
		expect((await ensured()).findings).toMatchObject([
			{ code: 'certificate_refused', params: { detail: 'too many' } }
		]);
	});

	test("stands in nobody's way while an earlier certificate is in force", async () => {
		await tendCertificate(domainId);
		await edge.dns.set('CAA', 'cliente.com', '0 issue "digicert.com"');
		edge.pass(61 * DAY);
		await tendCertificate(domainId);
		const way = await ensured();
		expect(way.certificate).toBe('active');
		expect(way.findings).toMatchObject([{ code: 'caa_forbids', blocks: false }]);
	});
});

describe('the driver', () => {
	test('a subdomain takes a CNAME, an apex the addresses or an ALIAS', async () => {
		const place = await placeOfDomain(db, domainId);
		const { target } = place.baseDomain;
		expect(await edgeDriver.records(place)).toEqual([
			{ purpose: 'routing', type: 'CNAME', name: HOST, value: target }
		]);
		const apex = { ...place, domain: { ...place.domain, hostname: 'cliente.com' } };
		const records = await edgeDriver.records(apex);
		expect(records.map(({ type, value, alternative }) => [type, value, alternative])).toEqual([
			['A', '203.0.113.10', 1],
			['ALIAS', target, 1]
		]);
		expect(await edgeDriver.expected(place)).toEqual({
			...{ target, addresses: ['203.0.113.10'], authorities: ['letsencrypt.org'] }
		});
	});

	test('orders once the name leads here, and says how far it is', async () => {
		await edge.noZone('cliente.com');
		expect(await ensured()).toMatchObject({ routed: false, certificate: 'none' });
		await edge.dns.set('A', HOST, '203.0.113.10');
		expect(await ensured()).toMatchObject({ routed: true, certificate: 'pending' });
		const jobs = await db.$queryRaw<{ count: bigint }[]>`
			SELECT count(*) FROM pgboss.job WHERE name = 'domains.certificate' AND singleton_key = ${domainId}`;
		expect(jobs[0]?.count).toBe(1n);
		await tendCertificate(domainId, true);
		await convergeEdge(edgeId);
		const way = await ensured();
		expect(way).toMatchObject({ configured: true, certificate: 'active', findings: [] });
		expect(way.issuer).toBe('Sandbox Authority');
	});

	test('takes its block and its certificate away, and nothing of a neighbour', async () => {
		const other = (await createEdgeDomain(db, 'erp.vecino.com')).id;
		await edge.dns.set('A', 'erp.vecino.com', '203.0.113.10');
		await tendCertificate(domainId);
		await tendCertificate(other);
		await convergeEdge(edgeId);
		expect(edge.served()).toContain(HOST);
		await db.customDomain.update({ where: { id: domainId }, data: { status: 'removed' } });
		const place = await placeOfDomain(db, domainId);
		await edgeDriver.remove(place);
		await edgeDriver.remove(place);
		await convergeEdge(edgeId);
		expect(edge.served()).not.toContain(HOST);
		expect(edge.served()).toContain('erp.vecino.com');
		expect(await db.edgeCertificate.count()).toBe(1);
	});
});
