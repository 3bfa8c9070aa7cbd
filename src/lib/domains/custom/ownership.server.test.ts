import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
	customDomains,
	liveTenant,
	readyForDomains,
	TARGET
} from '../../../../tests/setup/customDomains.ts';
import { testPlatform } from '../../../../tests/setup/platform.ts';
import { DAY, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import type { Tenant } from '#prisma/generated/client.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const platform = await testPlatform();
const { dns, add, read, becomes, prove, codes, lookNow, working } = customDomains(platform);

let acme: Tenant;
let other: Tenant;
beforeAll(async () => {
	await readyForDomains();
	[acme, other] = [await liveTenant('acme'), await liveTenant('other')];
});

describe('whose it is', () => {
	test('who proves it has it, whoever came first; who loses the token loses the name to who shows one', async () => {
		const [first] = await add(acme, 'pan.example.com');
		const [second] = await add(other, 'pan.example.com');
		await dns.set('CNAME', 'pan.example.com', TARGET);
		const token = await prove(second!);
		await becomes(second!.id, 'active');
		expect((await lookNow(first!.id)).verifiedAt).toBeNull();

		// Both tokens stand there: who has it keeps it.
		await prove(first!);
		const refused = await lookNow(first!.id);
		expect(refused).toMatchObject({ status: 'error', verifiedAt: null, published: false });
		expect(codes(refused)).toEqual(['taken']);
		expect((await read(second!.id)).status).toBe('active');

		await dns.unset(token);
		await lookNow(first!.id);
		await becomes(first!.id, 'active');
		expect(await read(second!.id)).toMatchObject({ verifiedAt: null, published: false });
		const page = await platform.open('pan.example.com', '/web/login');
		expect(page.body).toContain('value="acme"');
	});

	test('a token that goes away is waited for during the days of grace, and then it is over', async () => {
		const { domain, records } = await working(acme, 'gracia.example.com');
		await dns.unset(records[0]!);
		const warned = await lookNow(domain.id);
		expect(warned).toMatchObject({ status: 'active', published: true });
		expect(warned.unprovenSince).not.toBeNull();
		await db.customDomain.update({
			where: { id: domain.id },
			data: { unprovenSince: new Date(now().getTime() - 8 * DAY) }
		});
		const lost = await lookNow(domain.id);
		expect(lost).toMatchObject({ status: 'error', verifiedAt: null, published: false });
		await prove(domain);
		await lookNow(domain.id);
		await becomes(domain.id, 'active');
		const kinds = await db.notification.findMany({
			where: {
				kind: { in: ['domain_unproven', 'domain_lost', 'domain_restored'] },
				customerId: { not: null }
			},
			orderBy: { createdAt: 'asc' }
		});
		expect(kinds.map(({ kind }) => kind)).toEqual(
			expect.arrayContaining(['domain_unproven', 'domain_lost', 'domain_restored'])
		);
	});

	test('a resolver that does not answer takes nothing away', async () => {
		const { domain } = await working(acme, 'callado.example.net');
		await dns.zone('example.net', { silent: true });
		const unknown = await lookNow(domain.id);
		await dns.zone('example.net', { silent: false });
		expect(unknown).toMatchObject({ status: 'active', unprovenSince: null, misses: 0 });
	});
});
