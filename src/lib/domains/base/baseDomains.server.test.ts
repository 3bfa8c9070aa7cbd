import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testBaseDomains } from '../../../../tests/setup/baseDomains.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '../../logs/audit.server.ts';
import { baseDomainForm } from './baseDomainForms.ts';
import {
	baseDomainOf,
	editBaseDomain,
	makeDefaultBase,
	removeBaseDomain
} from './baseDomains.server.ts';

const { kernel, standIn, account, tunnel, input, asked, added } = await testBaseDomains();
const by = SYSTEM;
const zoneOf = (name: string) => account().zones.find((zone) => zone.name === name)!;
const second = () => added({ name: 'triboka.com', target: 'customers.triboka.com' });
/** The fields that a refusal is beside. */
const fieldsOf = (work: Promise<unknown>) =>
	work.then(
		() => null,
		(error: { fields?: object }) => Object.keys(error.fields ?? {})
	);

describe('what Cloudflare says', () => {
	test('of a zone, the right to edit it and a tunnel', async () => {
		expect(await asked()).toMatchObject({
			...{ zone: 'yes', zoneStatus: 'active', mayEdit: 'yes', tunnel: 'yes', trouble: null },
			zoneId: standIn.zoneId
		});
		expect(await asked('nowhere.example', randomUUID())).toMatchObject({
			...{ zone: 'no', mayEdit: 'unknown', tunnel: 'no' }
		});
	});

	test('a token that only reads is told from one that edits, and nothing is changed to know', async () => {
		const before = structuredClone(account().records);
		account().tokens[0]!.scopes = account().tokens[0]!.scopes.filter((one) => one !== 'dns:edit');
		expect(await asked()).toMatchObject({ zone: 'yes', mayEdit: 'no' });
		expect(account().records).toEqual(before);
	});

	test('what it does not say is unknown', async () => {
		kernel.faults.add({ target: 'cloudflare', match: '/cfd_tunnel/', kind: 'reset', times: 3 });
		const seen = await asked();
		expect(seen).toMatchObject({ zone: 'yes', tunnel: 'unknown' });
		expect(seen.trouble).toMatch(/\w/);
	});
});

describe('adding', () => {
	test('stores what was read back; the first is the default, the second is not', async () => {
		expect(await added()).toMatchObject({
			...{ zoneId: standIn.zoneId, zoneStatus: 'active', isDefault: true, preparation: 'pending' }
		});
		expect(await second()).toMatchObject({ zoneId: zoneOf('triboka.com').id, isDefault: false });
	});

	test('is refused beside the field for what Cloudflare does not have', async () => {
		const nowhere = { name: 'nowhere.example', target: 'customers.nowhere.example' };
		expect(await fieldsOf(added(nowhere))).toEqual(['name']);
		expect(await fieldsOf(added({}, await asked('sajet.us', randomUUID())))).toEqual(['tunnel']);
		zoneOf('sajet.us').status = 'pending';
		expect(await fieldsOf(added())).toEqual(['name']);
		expect(await db.baseDomain.count()).toBe(0);
	});

	test('is refused while Cloudflare does not answer', async () => {
		kernel.faults.add({ target: 'cloudflare', kind: 'reset', times: 9 });
		await expect(added()).rejects.toMatchObject({ code: 'VENDOR_UNAVAILABLE' });
		expect(await db.baseDomain.count()).toBe(0);
	});

	test('is refused for a target that is an instance, a host or another domain’s target', async () => {
		await added();
		await createUnplacedTenant(db, { slug: 'acme' });
		await db.edgeHost.create({
			data: { tunnelId: tunnel.id, hostname: 'status.triboka.com', service: 'http://10.0.0.1' }
		});
		const target = (target: string) => fieldsOf(added({ name: 'triboka.com', target }));
		expect(await target('acme.triboka.com')).toEqual(['target']);
		expect(await target('status.triboka.com')).toEqual(['target']);
		expect(baseDomainForm.safeParse({ ...input(), target: 'customers.other.com' }).success).toBe(
			false
		);
	});
});

describe('changing', () => {
	test('one for the second of two editors is refused', async () => {
		const base = await added();
		const edit = async () => {
			const checks = await asked();
			return transaction((tx) =>
				editBaseDomain(tx, base.id, input({ target: 'clientes.sajet.us' }), checks, {
					...{ by, seen: base.version }
				})
			);
		};
		expect(await edit()).toMatchObject({ target: 'clientes.sajet.us', version: 2 });
		await expect(edit()).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
	});

	test('what customers’ domains depend on is refused', async () => {
		const base = await added();
		const tenant = await createUnplacedTenant(db, { slug: 'acme' });
		await db.tenant.update({ where: { id: tenant.id }, data: { published: true } });
		await db.customDomain.create({
			data: {
				...{ customerId: tenant.customerId, tenantId: tenant.id, hostname: 'erp.acme.com' },
				...{ driver: 'custom_hostname', verificationName: '_erp-verify.acme.com' },
				verificationToken: 'token'
			}
		});
		const other = await db.tunnel.create({ data: { cloudflareId: randomUUID(), name: 'other' } });
		const checks = await asked();
		const edit = (over: Record<string, string>) =>
			fieldsOf(
				transaction((tx) =>
					editBaseDomain(tx, base.id, input(over), checks, { by, seen: base.version })
				)
			);
		expect(await edit({ target: 'clientes.sajet.us' })).toEqual(['target']);
		expect(await edit({ tunnel: other.id })).toEqual(['tunnel']);
		expect(await edit({ driver: 'account_cname' })).toBeNull();
	});

	test('the default is one at a time', async () => {
		await added();
		const other = await second();
		await transaction((tx) => makeDefaultBase(tx, other.id, { by }));
		const defaults = await db.baseDomain.findMany({ where: { isDefault: true } });
		expect(defaults.map(({ name }) => name)).toEqual(['triboka.com']);
	});

	test('a plan’s own domain wins over the default', async () => {
		const base = await added();
		const other = await second();
		expect((await baseDomainOf(db, { baseDomainId: null })).id).toBe(base.id);
		expect((await baseDomainOf(db, { baseDomainId: other.id })).id).toBe(other.id);
	});
});

describe('removing', () => {
	const remove = (id: string) => transaction((tx) => removeBaseDomain(tx, id, { by }));

	test('is refused for the default, and while plans or tenants use it', async () => {
		const base = await added();
		expect(await fieldsOf(remove(base.id))).toEqual(['confirm']);
		const other = await second();
		const plan = await db.plan.findFirstOrThrow({ where: { replacedAt: null } });
		await db.plan.update({ where: { id: plan.id }, data: { baseDomainId: other.id } });
		expect(await fieldsOf(remove(other.id))).toEqual(['confirm']);
		await db.plan.update({ where: { id: plan.id }, data: { baseDomainId: null } });
		const tenant = await createUnplacedTenant(db);
		await db.tenant.update({ where: { id: tenant.id }, data: { baseDomainId: other.id } });
		expect(await fieldsOf(remove(other.id))).toEqual(['confirm']);
		await db.tenant.deleteMany({});
		await remove(other.id);
		expect(await db.baseDomain.count()).toBe(1);
	});
});
