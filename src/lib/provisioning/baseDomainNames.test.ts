import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import '../core/sagaRunner.server.ts';
import { addEdgeHost } from '../domains/tunnels/edgeHosts.server.ts';
import '../domains/tunnels/tunnels.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import '../notifications/jobs.server.ts';
import '../billing/jobs.server.ts';
import './createTenant.server.ts';
import { likelyBaseDomain, likelyPlan, planCards } from '../plans/planCards.server.ts';
import { nameState, reserveName } from './reservations.server.ts';
import { createByStaff } from './staffTenants.server.ts';

// The environment is read once, by whoever asks first.
process.env.ORIGIN = 'https://gestion.triboka.com';
await testDatabase();
await testQueue({ work: false });
let tunnelId = '';
let second = '';

beforeEach(async () => {
	await db.nameReservation.deleteMany({});
	await db.edgeHost.deleteMany({});
	if (tunnelId) return;
	const tunnel = await db.tunnel.create({ data: { cloudflareId: randomUUID(), name: 'tests' } });
	tunnelId = tunnel.id;
	const base = { zoneId: 'zone', tunnelId };
	await db.baseDomain.create({
		data: { ...base, name: 'sajet.us', target: 'clientes.sajet.us', isDefault: true }
	});
	const other = await db.baseDomain.create({
		data: { ...base, name: 'triboka.com', target: 'entrada.triboka.com' }
	});
	second = other.id;
});

const ordered = (subdomain: string) =>
	transaction((tx) =>
		createByStaff(
			tx,
			{
				...{ company_name: subdomain, full_name: 'Ana Mora', email: `${subdomain}@example.com` },
				...{ country: 'EC', subdomain, plan: 'pro', billing: 'free', billing_reason: 'tests' }
			},
			{ by: SYSTEM, locale: 'es' }
		)
	);

test('an instance gets its name under the domain of its plan, else under the default', async () => {
	const usual = await ordered('usual');
	const plan = await db.plan.findFirstOrThrow({ where: { key: 'pro', replacedAt: null } });
	await db.plan.update({ where: { id: plan.id }, data: { baseDomainId: second } });
	const own = await ordered('own-one');
	expect(own.baseDomainId).toBe(second);
	expect(usual.baseDomainId).not.toBe(second);
	// What visitors see beside the field follows the plan, too.
	const cards = await planCards(db);
	const shown = Object.fromEntries(cards.map(({ key, baseDomain }) => [key, baseDomain]));
	expect(shown).toMatchObject({ pro: 'triboka.com', basic: 'sajet.us' });
	const likely = likelyPlan(cards);
	expect(likelyBaseDomain(cards)).toBe(likely?.key === 'pro' ? 'triboka.com' : 'sajet.us');
	// One name is one name under all of them: the database is called like it.
	await expect(ordered('usual')).rejects.toMatchObject({ code: 'NAME_TAKEN' });
	await db.nameReservation.deleteMany({ where: { slug: 'usual' } });
	await expect(ordered('usual')).rejects.toMatchObject({ code: 'NAME_TAKEN' });
});

test.each(['clientes', 'entrada'])(
	'“%s”, which customers point at under one domain, is nobody’s under any',
	async (slug) => {
		expect(await nameState(db, slug)).toBe('reserved');
		const { id: tenantId } = await createUnplacedTenant(db);
		await expect(transaction((tx) => reserveName(tx, slug, { tenantId }))).rejects.toMatchObject({
			code: 'NAME_RESERVED'
		});
	}
);

test('the host of the control plane is reserved though no row says so', async () => {
	expect(await nameState(db, 'gestion')).toBe('reserved');
	expect(await nameState(db, 'gestion-dos')).toBe('free');
});

test('of a host of ours and a signup that want one name at once, one gets it', async () => {
	for (let round = 0; round < 5; round++) {
		const slug = `rush-${round}`;
		const { id: tenantId } = await createUnplacedTenant(db);
		const host = {
			...{ hostname: `${slug}.triboka.com`, path: null, service: 'http://10.0.0.1:80' },
			originRequest: null,
			dnsKept: false
		};
		const results = await Promise.allSettled([
			transaction((tx) => addEdgeHost(tx, tunnelId, host, { by: SYSTEM })),
			transaction((tx) => reserveName(tx, slug, { tenantId }))
		]);
		const won = results.filter(({ status }) => status === 'fulfilled');
		expect(won).toHaveLength(1);
	}
});
