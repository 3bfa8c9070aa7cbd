import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
	customDomains,
	liveTenant,
	readyForDomains,
	TARGET
} from '../../../../tests/setup/customDomains.ts';
import { outside } from '../../../../tests/setup/outside.ts';
import { testPlatform } from '../../../../tests/setup/platform.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import { answersWell } from '../doctor/domainTypes.ts';
import { observedOf } from '../doctor/storedLook.ts';
import { DAY, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { Tenant } from '#prisma/generated/client.ts';
import { SYSTEM } from '../../logs/audit.server.ts';
import {
	activateDomain,
	deactivateDomain,
	makePrimary,
	removeDomain,
	verifyDomain
} from './customDomains.server.ts';
import { eraseDomains } from './eraseDomains.server.ts';
import { lookAtHostnames } from './hostnameLook.server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const platform = await testPlatform();
const world = outside(platform.sandbox);
const { kernel } = platform.sandbox;
const { dns, add, read, becomes, prove, codes, hostname, lookNow, working } =
	customDomains(platform);
afterAll(() => setClockOffset(0));

let acme: Tenant;
let other: Tenant;
beforeAll(async () => {
	await readyForDomains();
	[acme, other] = [await liveTenant('acme'), await liveTenant('other')];
});

describe('a domain of a customer', () => {
	test('waits for both facts, works by itself once they are there, and is told once', async () => {
		await dns.set('A', 'cacao-real.com', '203.0.113.80');
		const [domain] = await add(acme, 'ERP.Cacao-Real.com.');
		expect(domain).toMatchObject({
			...{ hostname: 'erp.cacao-real.com', status: 'pending', driver: 'custom_hostname' },
			verificationName: '_erp-verify.erp.cacao-real.com'
		});
		const waiting = await lookNow(domain!.id);
		expect(waiting.status).toBe('pending');
		expect(codes(waiting)[0]).toBe('token_missing');
		expect(hostname('erp.cacao-real.com')).toBeUndefined();

		await prove(domain!);
		const owned = await lookNow(domain!.id);
		expect(owned.verifiedAt).not.toBeNull();
		expect(owned.status).toBe('pending');
		expect(hostname('erp.cacao-real.com')).toBeDefined();

		await dns.set('CNAME', 'erp.cacao-real.com', TARGET);
		await transaction(async (tx) => verifyDomain(tx, await read(domain!.id)));
		const active = await becomes(domain!.id, 'active');
		expect(active).toMatchObject({ certificate: 'active', findings: [], misses: 0, error: null });
		// What answered before the rule was there is not what the page shows.
		expect(answersWell(observedOf(active.observed)?.https ?? null)).toBe(true);
		const page = await platform.open('erp.cacao-real.com', '/web/login');
		expect(page.status).toBe(200);
		expect(page.body).toContain('value="acme"');
		const [, http] = world.rules('erp.cacao-real.com');
		expect(http?.originRequest).toEqual({ httpHostHeader: 'acme.sajet.us' });
		await lookNow(domain!.id);
		const told = await db.emailMessage.findMany({ where: { template: 'domain' } });
		expect(told.map(({ subject }) => subject)).toEqual(['Su dominio erp.cacao-real.com']);
	});

	test('is refused with its reason when it cannot be one', async () => {
		for (const name of [
			'*.acme.com',
			'10.0.0.1',
			'acme',
			'x.sajet.us',
			'sajet.us',
			'acme.local',
			''
		]) {
			await expect(add(acme, name), name).rejects.toMatchObject({ code: 'DOMAIN_INVALID' });
		}
		await add(acme, 'once.example.org');
		await expect(add(acme, 'ONCE.example.org')).rejects.toMatchObject({ code: 'DOMAIN_EXISTS' });
	});

	test('an apex brings its www along, which sends on to it, with one token for both', async () => {
		const [apex, www] = await add(acme, 'cañaveral.com', true);
		expect([apex?.hostname, www?.hostname]).toEqual([
			'xn--caaveral-e3a.com',
			'www.xn--caaveral-e3a.com'
		]);
		expect(www).toMatchObject({
			redirectToId: apex!.id,
			verificationToken: apex!.verificationToken,
			verificationName: '_erp-verify.xn--caaveral-e3a.com'
		});
		await prove(apex!);
		await dns.set('ALIAS', apex!.hostname, TARGET);
		await dns.set('CNAME', www!.hostname, TARGET);
		await becomes(apex!.id, 'active');
		await becomes(www!.id, 'active');
		const answer = await platform.open(www!.hostname, '/shop?x=1');
		expect(answer.status).toBe(307);
		expect(answer.location).toContain('//xn--caaveral-e3a.com.localhost');
		expect(answer.location).toMatch(/\/shop\?x=1$/);
	});
});

describe('a primary domain', () => {
	test('is what the instance names; the others send on to it while it works, and no longer', async () => {
		const { domain, records } = await working(other, 'tienda.example.com');
		await transaction((tx) => makePrimary(tx, domain, SYSTEM));
		const named = (url: string) =>
			eventually(async () => {
				const { baseUrl } = await db.tenant.findUniqueOrThrow({ where: { id: other.id } });
				return baseUrl?.includes(url);
			}, 40);
		await named('//tienda.example.com.localhost');
		const sentOn = await eventually(async () => {
			const answer = await platform.open('other.sajet.us', '/odoo');
			return answer.status === 307 && answer;
		}, 20);
		expect(sentOn.location).toContain('//tienda.example.com.localhost');
		expect((await platform.open('other.sajet.us', '/web/health')).status).toBe(200);

		await dns.unset(records[1]!);
		for (let miss = 0; miss < 3; miss += 1) await lookNow(domain.id);
		const broken = await read(domain.id);
		expect(broken.status).toBe('error');
		expect(broken.brokenAt).not.toBeNull();
		await named('//other.localhost');
		await eventually(
			async () => (await platform.open('other.sajet.us', '/web/login')).status === 200,
			20
		);
		const [mail] = await db.emailMessage.findMany({
			where: { template: 'domain', subject: { contains: 'tienda' } },
			orderBy: { createdAt: 'desc' }
		});
		expect(JSON.stringify(mail!.data)).toContain('other.sajet.us');

		await dns.set('CNAME', 'tienda.example.com', TARGET);
		await lookNow(domain.id);
		await becomes(domain.id, 'active');
		await named('//tienda.example.com.localhost');
	});
});

describe('what stands at Cloudflare', () => {
	test('goes with the domain, and nothing else does', async () => {
		const { domain } = await working(acme, 'adios.example.com');
		const before = cloudflareDocument(kernel).get().hostnames.length;
		await transaction(async (tx) => removeDomain(tx, await read(domain.id), SYSTEM));
		await eventually(async () => hostname('adios.example.com') === undefined, 20);
		await eventually(async () => world.rules('adios.example.com').length === 0, 20);
		expect(cloudflareDocument(kernel).get().hostnames.length).toBe(before - 1);
		// It may come back at once, as a new one.
		await add(acme, 'adios.example.com');
	});

	test('is used and left alone when somebody else had made it', async () => {
		const { cloudflare } = platform.sandbox.vendors;
		await fetch(`${cloudflare.url}/zones/${cloudflare.zone_id}/custom_hostnames`, {
			method: 'POST',
			headers: { authorization: `Bearer ${cloudflare.token}`, 'content-type': 'application/json' },
			body: JSON.stringify({ hostname: 'ajeno.example.com', ssl: { method: 'http', type: 'dv' } })
		});
		const { domain } = await working(acme, 'ajeno.example.com');
		expect(domain.hostnameAdopted).toBe(true);
		await transaction(async (tx) => removeDomain(tx, await read(domain.id), SYSTEM));
		await eventually(async () => world.rules('ajeno.example.com').length === 0, 20);
		await eventually(async () => (await read(domain.id)).configuredAt === null, 20);
		expect(hostname('ajeno.example.com')).toBeDefined();
	});

	test('is noticed when it was deleted there, and made again', async () => {
		const { domain } = await working(acme, 'borrado.example.com');
		const document = cloudflareDocument(kernel);
		const state = document.get();
		state.hostnames = state.hostnames.filter((one) => one.hostname !== 'borrado.example.com');
		await lookAtHostnames();
		await eventually(async () => hostname('borrado.example.com') !== undefined, 20);
		const back = await eventually(async () => {
			const row = await read(domain.id);
			return row.cloudflareHostnameId === hostname('borrado.example.com')!.id && row;
		}, 20);
		expect((await becomes(back.id, 'active')).status).toBe('active');
	});

	test('is validated anew before Cloudflare would delete it', async () => {
		const [domain] = await add(acme, 'lento.example.com');
		await prove(domain!);
		await lookNow(domain!.id);
		for (let day = 0; day < 12; day += 1) {
			kernel.clock.advance(DAY);
			setClockOffset(kernel.clock.now() * 1000 - Date.now());
			await lookNow(domain!.id);
		}
		expect(hostname('lento.example.com')?.status).toBe('pending');
		expect((await read(domain!.id)).cloudflareHostnameId).toBe(hostname('lento.example.com')!.id);
	});
});

test('is switched off and on by hand', async () => {
	const { domain } = await working(acme, 'apagado.example.com');
	await transaction((tx) => deactivateDomain(tx, domain, SYSTEM));
	await eventually(async () => world.rules('apagado.example.com').length === 0, 20);
	expect((await lookNow(domain.id)).status).toBe('inactive');
	await transaction(async (tx) => activateDomain(tx, await read(domain.id), SYSTEM));
	await eventually(async () => world.rules('apagado.example.com').length === 2, 20);
	expect((await becomes(domain.id, 'active')).published).toBe(true);
});

test('an erased customer leaves no name of a domain behind', async () => {
	const { domain } = await working(other, 'olvido.example.com');
	await eventually(
		() =>
			eraseDomains(other.customerId).then(
				() => true,
				(error: Error) => !error.message.includes('still')
			),
		30
	);
	const rows = await db.customDomain.findMany({ where: { customerId: other.customerId } });
	expect(rows.map(({ status }) => status)).not.toContain('active');
	expect(JSON.stringify(rows)).not.toContain('example.com');
	expect(hostname('olvido.example.com')).toBeUndefined();
	expect((await read(domain.id)).status).toBe('removed');
});
