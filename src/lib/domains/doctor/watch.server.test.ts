import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMember } from '../../../../tests/factories/identity.ts';
import { aPublishedDomain, aPublishedTenant } from '../../../../tests/factories/tunnels.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { registrar } from '../../../../tests/setup/registrar.ts';
import { testSandbox } from '../../../../tests/setup/sandbox.ts';
import { asCustomer, db } from '#lib/core/db.server.ts';
import '#lib/jobs/registry.server.ts';
import type { CustomDomain } from '#prisma/generated/client.ts';
import { domainView } from '../custom/domainView.server.ts';
import {
	domainInstances,
	listOwnDomains,
	ownDomainView,
	readTyped,
	withOwnDomain
} from '../custom/ownDomains.server.ts';
import { lookNow, watchPatience } from './watch.server.ts';

await testDatabase();
const sandbox = await testSandbox();
await testQueue({ work: false });
const dns = registrar(sandbox);

const TARGET = 'customers.nosotros.com';
let tenant: { id: string; customerId: string };
let scope: { customerId: string; userId: string };
let count = 0;

beforeAll(async () => {
	tenant = await aPublishedTenant(db, 'acme');
	await db.baseDomain.updateMany({ data: { target: TARGET } });
	const member = await createMember('owner');
	scope = { customerId: tenant.customerId, userId: member.id };
});
beforeEach(async () => {
	sandbox.kernel.reset();
	Object.assign(watchPatience, { lookMs: 2_500, sharedSeconds: 0.9, askedSeconds: 4 });
	await dns.set('A', TARGET, '127.0.0.1');
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'domains.check'`;
});

const waiting = (data: Partial<CustomDomain> = {}) => {
	const { observed: _seen, findings: _found, hostnameRecords: _records, ...columns } = data;
	return aPublishedDomain(db, tenant, `erp${++count}.cliente.com`, {
		...{ status: 'pending', published: false, publishedVersion: null, verifiedAt: null },
		...columns
	});
};
const asked = async (id: string) =>
	(
		await db.$queryRaw<{ id: string }[]>`
			SELECT id FROM pgboss.job WHERE name = 'domains.check' AND data->>'domainId' = ${id}`
	).length;
const stateOf = (look: { facts: { key: string; state: string }[] }, key: string) =>
	look.facts.find((fact) => fact.key === key)?.state;

describe('a live look', () => {
	test('says what is missing, and asks nobody to go on', async () => {
		await dns.set('A', 'cliente.com', '203.0.113.80');
		const domain = await waiting();
		const look = await lookNow(domain.id);
		expect(look).toMatchObject({ status: 'pending', isOutstanding: true, goesOn: false });
		expect(look.report.first?.code).toBe('token_missing');
		expect(look.records.map(({ isSet }) => isSet)).toEqual([false, false]);
		expect(await asked(domain.id)).toBe(0);
	});

	test('shows each record as soon as it is there, and lets a worker go on once', async () => {
		watchPatience.sharedSeconds = 0.001;
		const domain = await waiting();
		await dns.set('CNAME', domain.hostname, TARGET);
		const routed = await lookNow(domain.id);
		expect([stateOf(routed, 'ownership'), stateOf(routed, 'routing')]).toEqual([
			...['pending', 'running']
		]);
		expect(routed.records.map(({ isSet }) => isSet)).toEqual([false, true]);
		await dns.set('TXT', domain.verificationName, domain.verificationToken);
		const both = await lookNow(domain.id);
		expect(stateOf(both, 'ownership')).toBe('running');
		expect(both).toMatchObject({ goesOn: true });
		expect(both.records.map(({ isSet }) => isSet)).toEqual([true, true]);
		expect(both.report.first).toBeNull();
		expect(await asked(domain.id)).toBe(1);
	});

	test('takes what only sends on to it along', async () => {
		const domain = await waiting();
		const www = await waiting({ redirectToId: domain.id });
		await dns.set('TXT', domain.verificationName, domain.verificationToken);
		await lookNow(domain.id);
		expect(await asked(www.id)).toBe(1);
		const view = await domainView(db, domain.id);
		expect(view.records.map(({ name }) => name)).toEqual([
			...[domain.verificationName, domain.hostname, www.hostname]
		]);
	});

	test('of many who watch at once is one', async () => {
		const domain = await waiting();
		const looks = await Promise.all(Array.from({ length: 8 }, () => lookNow(domain.id)));
		expect(new Set(looks.map(({ at }) => at)).size).toBe(1);
	});

	test('a name that works already is left to the regular looks', async () => {
		const domain = await waiting({ status: 'active', verifiedAt: new Date(), routedAt: null });
		await dns.set('CNAME', domain.hostname, TARGET);
		expect(await lookNow(domain.id)).toMatchObject({ goesOn: false, isOutstanding: false });
		expect(await asked(domain.id)).toBe(0);
	});

	test('ends when nobody answers, and says that nothing is known', async () => {
		watchPatience.lookMs = 1;
		const domain = await waiting();
		await dns.zone('cliente.com', { silent: true });
		const look = await lookNow(domain.id);
		expect(look).toMatchObject({ at: null, goesOn: false, report: { at: null, rows: [] } });
		expect(look.records.map(({ isSet }) => isSet)).toEqual([null, null]);
	});
});

describe('what a page shows of a domain', () => {
	test('of one that broke: the one thing to change, and never a vendor’s words', async () => {
		const domain = await waiting({ status: 'error', verifiedAt: new Date(), brokenAt: new Date() });
		const name = domain.hostname;
		const finding = { code: 'name_missing', of: 'routing', blocks: true };
		const other = { code: 'hostname_deleted', of: 'certificate', blocks: false, params: {} };
		await db.customDomain.update({
			where: { id: domain.id },
			data: {
				...{ error: 'zone 8f2 said 1034', routedAt: null, seenAt: new Date() },
				findings: [{ ...finding, params: { name, wanted: TARGET } }, other]
			}
		});
		const { view } = await ownDomainView(scope, domain.id);
		expect(view).toMatchObject({ status: 'error', state: { tone: 'danger' } });
		expect(view.state.sentence).toContain('acme.sajet.us');
		expect(view.report.first?.code).toBe('name_missing');
		expect(view.report.first?.sentence).toContain(TARGET);
		expect(view.report.others).toHaveLength(1);
		expect(JSON.stringify(view)).not.toContain('1034');
		expect(view.may).toMatchObject({ verify: true, makePrimary: false, deactivate: false });
	});

	test('a name in another script is shown as people read it', async () => {
		const idn = await aPublishedDomain(db, tenant, 'xn--caf-dma.com', { isPrimary: true });
		const { view } = await ownDomainView(scope, idn.id);
		expect(view).toMatchObject({ unicode: 'café.com', hostname: 'xn--caf-dma.com', isApex: true });
		expect(view.records.map(({ type }) => type)).toEqual(['TXT', 'ALIAS']);
		expect(view.may).toMatchObject({ endPrimary: true, makePrimary: false, deactivate: true });
	});
});

describe('of a company', () => {
	test('nobody else’s domain is seen, listed or acted on', async () => {
		const other = await aPublishedTenant(db, 'other');
		const theirs = await aPublishedDomain(db, other, 'erp.other.com');
		const missing = { code: 'DOMAIN_NOT_FOUND' };
		await expect(ownDomainView(scope, theirs.id)).rejects.toMatchObject(missing);
		await expect(ownDomainView(scope, 'no-id')).rejects.toMatchObject(missing);
		const act = withOwnDomain(scope, theirs.id, () => Promise.reject(new Error('acted')));
		await expect(act).rejects.toMatchObject(missing);
		const query = {
			...{ q: '', sort: { key: 'domain', direction: 'asc' as const }, page: 1, pageSize: 100 },
			...{ cursor: null, filters: { customer: other.customerId } }
		};
		const { rows } = await asCustomer(scope, (tx) => listOwnDomains(tx, scope.customerId, query));
		expect(rows.length).toBeGreaterThan(0);
		expect(new Set(rows.map(({ customerId }) => customerId))).toEqual(new Set([scope.customerId]));
		const found = await asCustomer(scope, (tx) =>
			listOwnDomains(tx, scope.customerId, { ...query, q: 'CAFÉ.com', filters: {} })
		);
		expect(found.rows.map(({ unicode }) => unicode)).toEqual(['café.com']);
	});

	test('what was typed is read, or refused with its sentence', async () => {
		const read = (typed: string) =>
			asCustomer(scope, (tx) => readTyped(tx, scope.customerId, typed));
		expect(await read(' https://ERP.Nueva.com/web ')).toMatchObject({
			...{ ok: true, hostname: 'erp.nueva.com', sibling: null, knownId: null }
		});
		expect(await read('café.com')).toMatchObject({ ok: true, knownId: expect.any(String) });
		for (const typed of ['*.nueva.com', '10.0.0.1', 'otra.sajet.us', '']) {
			const refused = await read(typed);
			expect(refused, typed).toMatchObject({ ok: false, reason: expect.stringMatching(/\w/) });
		}
	});

	test('its instances come with how many domains they have', async () => {
		const [instance] = await asCustomer(scope, (tx) => domainInstances(tx, scope.customerId));
		const used = await db.customDomain.count({
			where: { tenantId: tenant.id, redirectToId: null, status: { not: 'removed' } }
		});
		expect(instance).toMatchObject({ platformHost: 'acme.sajet.us', may: { used } });
	});
});
