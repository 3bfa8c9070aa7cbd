import { expect, it } from 'vitest';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { aPublishedDomain } from '../../../../tests/factories/tunnels.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { db } from '#lib/core/db.server.ts';
import { searchDomains } from '../../provisioning/search.server.ts';
import { searchTargets, targetChoice } from './domainTarget.server.ts';
import { domainsOf, ourSide } from './staffDomain.server.ts';

await testDatabase();

it('finds the instances that a domain can be given to, by whatever somebody has at hand', async () => {
	const tenant = await createUnplacedTenant(db);
	const gone = await createUnplacedTenant(db);
	await db.tenant.update({ where: { id: gone.id }, data: { status: 'deleted' } });
	await db.customer.update({
		where: { id: tenant.customerId },
		data: { companyName: 'Café 100%_Ñandú' }
	});
	const host = `${tenant.slug}.${(await db.baseDomain.findFirstOrThrow()).name}`;
	const found = async (typed: string) =>
		(await searchTargets(db, typed)).map(({ tenantId }) => tenantId);
	for (const typed of [tenant.slug, tenant.slug.toUpperCase(), host, 'ñandú', '100%_'])
		expect(await found(typed), typed).toEqual([tenant.id]);
	expect(await found('')).toEqual([tenant.id]);
	expect(await found(gone.slug)).toEqual([]);
	expect(await searchTargets(db, '', { customerId: gone.customerId })).toEqual([]);

	const main = await aPublishedDomain(db, tenant, 'tienda.com');
	await aPublishedDomain(db, tenant, 'www.tienda.com', { redirectToId: main.id });
	const chosen = await targetChoice(db, tenant.id);
	expect(chosen).toEqual((await searchTargets(db, host))[0]);
	expect(chosen).toMatchObject({ host, domains: 1, companyName: 'Café 100%_Ñandú' });
	expect(await targetChoice(db, gone.id)).toBeNull();
	expect(await targetChoice(db, 'no-id')).toBeNull();
});

it('shows staff who else claims a name, and finds a domain in whatever script', async () => {
	const mine = await createUnplacedTenant(db);
	const theirs = await createUnplacedTenant(db);
	const hostname = 'xn--and-6ma2c.com';
	const domain = await aPublishedDomain(db, mine, hostname, { isPrimary: true });
	const rival = await aPublishedDomain(db, theirs, hostname, {
		...{ verifiedAt: null, status: 'pending', published: false }
	});
	expect((await ourSide(db, domain)).rivals).toMatchObject([{ id: rival.id, verifiedAt: null }]);
	expect((await ourSide(db, rival)).rivals.map(({ id }) => id)).toEqual([domain.id]);
	for (const typed of ['ñandú.com', 'https://ñandú.com/web', 'xn--and'])
		expect((await searchDomains(db, typed)).map(({ id }) => id)).toEqual([domain.id, rival.id]);
	expect(await domainsOf(db, { tenantId: mine.id })).toMatchObject([
		{ unicode: 'ñandú.com', isPrimary: true, tenantId: mine.id, redirectTo: null }
	]);
	await db.customDomain.update({ where: { id: domain.id }, data: { status: 'removed' } });
	expect(await domainsOf(db, { customerId: mine.customerId })).toEqual([]);
});
