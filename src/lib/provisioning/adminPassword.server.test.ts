import { expect, it } from 'vitest';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { asCustomer, asOwner, db, transaction } from '#lib/core/db.server.ts';
import { odooIn } from '../infrastructure/containers/odooClient.server.ts';
import { SYSTEM, type Actor } from '../logs/audit.server.ts';
import { adminAccess, requestNewPassword, revealAdminPassword } from './adminPassword.server.ts';
import { instancesOf, ownTenant } from './instances.server.ts';
import { createByStaff } from './staffTenants.server.ts';
import { createCompany } from '../../../tests/factories/identity.ts';

await testPlatform();

const by: Actor = { kind: 'member', id: null, label: 'ana@llave.example' };

async function runningTenant(subdomain: string) {
	await transaction((tx) =>
		createByStaff(
			tx,
			{
				company_name: 'Llave S.A.',
				full_name: 'Ana Vera',
				email: `ana@${subdomain}.example`,
				subdomain,
				plan: 'basic',
				country: 'EC',
				billing: 'invoice'
			},
			{ by: SYSTEM, locale: 'es' }
		)
	);
	return eventually(async () => {
		const tenant = await db.tenant.findFirst({ where: { slug: subdomain } });
		return tenant?.status === 'active' && tenant;
	}, 60);
}

it('shows the password once, sets a new one that works, and lets no other company near', async () => {
	const tenant = await runningTenant('llave');
	const scope = { customerId: tenant.customerId, userId: crypto.randomUUID() };
	const logsIn = async (login: string, password: string) => {
		const odoo = await odooIn(tenant.containerId!, {});
		try {
			return Boolean(await odoo.authenticate(tenant.databaseName, login, password));
		} finally {
			await odoo.close();
		}
	};

	const both = await Promise.allSettled(
		[1, 2].map(() => transaction((tx) => revealAdminPassword(tx, tenant, { by })))
	);
	const shown = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
	expect(shown).toHaveLength(1);
	const first = shown[0]!;
	expect(await logsIn(first.login, first.password)).toBe(true);
	await expect(transaction((tx) => revealAdminPassword(tx, tenant, { by }))).rejects.toMatchObject({
		code: 'ALREADY_REVEALED'
	});

	await transaction((tx) => requestNewPassword(tx, tenant, { by }));
	await expect(transaction((tx) => requestNewPassword(tx, tenant, { by }))).rejects.toMatchObject({
		code: 'ALREADY_RUNNING'
	});
	await eventually(async () => {
		const access = await adminAccess(db, tenant);
		return access?.nextAskedAt === null && access.revealedAt === null;
	}, 60);
	const second = await transaction((tx) => revealAdminPassword(tx, tenant, { by }));
	expect(second.password).not.toBe(first.password);
	expect(await logsIn(second.login, second.password)).toBe(true);
	expect(await logsIn(first.login, first.password)).toBe(false);

	const audited = await db.auditEntry.findMany({
		where: { subjectId: tenant.id, action: { contains: 'password' } },
		orderBy: { id: 'asc' },
		select: { action: true }
	});
	expect(audited.map(({ action }) => action)).toEqual([
		'tenants.reveal-password',
		'tenants.request-password',
		'tenants.set-password',
		'tenants.reveal-password'
	]);
	const [instance] = await instancesOf(scope, { secret: true });
	expect(instance).toMatchObject({ slug: 'llave', admin: { login: first.login } });
	expect(JSON.stringify(instance)).not.toContain(second.password);

	const stranger = { customerId: (await createCompany()).id, userId: crypto.randomUUID() };
	expect(await instancesOf(stranger, { secret: true })).toEqual([]);
	await expect(
		asCustomer(stranger, (tx) => ownTenant(tx, stranger, tenant.id))
	).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' });
	await expect(
		asCustomer(stranger, (tx) =>
			asOwner(tx, (owner) =>
				revealAdminPassword(owner, { id: tenant.id, customerId: stranger.customerId }, { by })
			)
		)
	).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
