import { expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { resolveApiToken } from '#lib/identity/apiTokens.server.ts';
import { checkPassword } from '#lib/identity/passwords.server.ts';
import { testDatabase } from '../../tests/setup/database.ts';
import { testQueue } from '../../tests/setup/queue.ts';
import { testSandbox } from '../../tests/setup/sandbox.ts';
import { seedDemo } from './seed.ts';

await testDatabase();
const sandbox = await testSandbox();
await testQueue({ work: false });

const demo = {
	app: 'http://localhost:4443',
	sandbox: sandbox.url,
	staff: { email: 'admin@sajet.us', password: 'una clave larga de prueba' },
	customer: { email: 'cliente@ejemplo.com', password: 'otra clave larga de prueba' },
	vendors: sandbox.vendors
};

const passwordOf = async (email: string) =>
	(await db.user.findUniqueOrThrow({ where: { email }, include: { credential: true } })).credential
		?.passwordHash;
const counts = async () => ({
	nodes: await db.node.count(),
	templates: await db.container.count({ where: { purpose: 'template' } }),
	pools: await db.addressPool.findMany({ select: { network: true, gateway: true, bridge: true } }),
	domains: (await db.baseDomain.findMany({ orderBy: { name: 'asc' } })).map(({ name }) => name),
	edgeHosts: await db.edgeHost.findMany({ select: { hostname: true, service: true } }),
	users: await db.user.count(),
	memberships: await db.membership.count(),
	tenants: (await db.tenant.findMany()).map(({ slug }) => slug),
	runs: await db.provisioningJob.count(),
	tokens: await db.apiToken.count()
});

it('fills the demo, and a second time changes only what has changed', async () => {
	const token = await seedDemo(demo);
	expect(await counts()).toEqual({
		nodes: 3,
		templates: 1,
		pools: [{ network: '10.10.20.0/24', gateway: '10.10.20.1', bridge: 'vmbr0' }],
		domains: ['sajet.us', 'triboka.com'],
		edgeHosts: [{ hostname: 'erp.sajet.us', service: demo.app }],
		users: 2,
		memberships: 1,
		tenants: ['ejemplo'],
		runs: 1,
		tokens: 1
	});
	expect(await resolveApiToken(token)).toMatchObject({ user: { email: demo.staff.email } });
	expect(await checkPassword(await passwordOf(demo.customer.email), demo.customer.password)).toBe(
		true
	);
	const before = await counts();
	const changed = {
		...demo,
		api_token: token,
		staff: { ...demo.staff, password: 'nueva clave larga' }
	};
	expect(await seedDemo(changed)).toBe(token);
	expect(await counts()).toEqual(before);
	expect(await checkPassword(await passwordOf(demo.staff.email), 'nueva clave larga')).toBe(true);
	expect(
		await db.setting.findUnique({ where: { key: 'security.staff_second_factor' } })
	).toMatchObject({
		value: false
	});
});
