import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import type { Fault } from '../../../sandbox/kernel/faults.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { db } from '#lib/core/db.server.ts';
import { cloudflare } from '../../integrations/cloudflare/cloudflare.server.ts';
import { CloudflareError } from '../../integrations/cloudflare/errors.ts';
import { unrecorded } from '../../integrations/record.ts';
import { ensureRecord, removeRecord, type WantedRecord } from './dns.server.ts';
import { markOf } from './marks.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
const { zoneId, accountId, token, url: baseUrl, tunnelId } = standIn;
const client = cloudflare({ apiToken: token, accountId, baseUrl, timeoutMs: 400 }, unrecorded);

beforeEach(() => kernel.reset());

async function wanted(): Promise<WantedRecord> {
	const tenant = await createUnplacedTenant(db);
	return {
		owner: { kind: 'tenant' as const, id: tenant.id },
		customerId: tenant.customerId,
		zoneId,
		name: `${tenant.slug}.sajet.us`,
		tunnelCloudflareId: tunnelId
	};
}

const there = (name: string) =>
	cloudflareDocument(kernel)
		.get()
		.records.filter((record) => record.name === name);
const row = (tenantId: string) => db.dnsRecord.findFirstOrThrow({ where: { tenantId } });
const creations = () =>
	kernel.calls.list({ vendor: 'cloudflare', match: '^POST .*/dns_records$' }).length;
const kinds: [Fault['kind'], Fault['when']][] = (
	['status', 'timeout', 'reset', 'malformed'] as const
).flatMap((kind): [Fault['kind'], Fault['when']][] => [
	[kind, 'before'],
	[kind, 'after']
]);

describe('a record of ours', () => {
	test('is made once, leads to the tunnel, carries our mark, and its id is kept', async () => {
		const record = await wanted();
		const id = await ensureRecord(client, record);
		expect(await ensureRecord(client, record)).toBe(id);
		expect(there(record.name)).toMatchObject([
			{
				id,
				type: 'CNAME',
				content: `${tunnelId}.cfargotunnel.com`,
				proxied: true,
				comment: markOf(record.owner)
			}
		]);
		expect(creations()).toBe(1);
		expect(await row(record.owner.id)).toMatchObject({ cloudflareId: id, deletedAt: null });
	});

	test('that leads elsewhere, or past the proxy, is put right', async () => {
		const record = await wanted();
		const id = await ensureRecord(client, record);
		const other = randomUUID();
		expect(await ensureRecord(client, { ...record, tunnelCloudflareId: other })).toBe(id);
		expect(there(record.name)).toMatchObject([{ id, content: `${other}.cfargotunnel.com` }]);
		there(record.name)[0]!.proxied = false;
		await ensureRecord(client, record);
		expect(there(record.name)).toMatchObject([
			{ id, content: `${tunnelId}.cfargotunnel.com`, proxied: true }
		]);
	});

	test('made by two at once is one', async () => {
		const record = await wanted();
		const [a, b] = await Promise.all([ensureRecord(client, record), ensureRecord(client, record)]);
		expect(a).toBe(b);
		expect(there(record.name)).toHaveLength(1);
	});

	test.each(kinds)(
		'creating it answers %s, %s its effect: the next try leaves one',
		async (kind, when) => {
			const record = await wanted();
			kernel.faults.add({ target: 'cloudflare', match: '^POST .*/dns_records$', kind, when });
			await expect(ensureRecord(client, record)).rejects.toBeInstanceOf(CloudflareError);
			expect(await row(record.owner.id)).toMatchObject({ cloudflareId: null, name: record.name });
			const id = await ensureRecord(client, record);
			expect(there(record.name)).toMatchObject([{ id, comment: markOf(record.owner) }]);
			expect(await db.dnsRecord.count({ where: { tenantId: record.owner.id } })).toBe(1);
		}
	);

	test('is not reported before it was read back', async () => {
		const record = await wanted();
		kernel.faults.add({
			target: 'cloudflare',
			match: '^GET .*/dns_records',
			kind: 'reset',
			skip: 1,
			times: 3
		});
		await expect(ensureRecord(client, record)).rejects.toMatchObject({ kind: 'lost' });
		expect((await row(record.owner.id)).cloudflareId).toBeNull();
		expect(there(record.name)).toHaveLength(1);
	});
});

describe('a record of somebody else', () => {
	test.each(['A', 'AAAA', 'CNAME'] as const)(
		'of type %s under the name is refused and stays',
		async (type) => {
			const record = await wanted();
			const content = { A: '192.0.2.1', AAAA: '2001:db8::1', CNAME: 'elsewhere.example' }[type];
			await foreign(record.name, type, content);
			const before = there(record.name);
			await expect(ensureRecord(client, record)).rejects.toMatchObject({ code: 'NAME_TAKEN' });
			await removeRecord(client, record.owner);
			expect(there(record.name)).toEqual(before);
			expect(creations()).toBe(1);
		}
	);

	test('that is another tenant’s is refused, one that stands beside is not', async () => {
		const record = await wanted();
		const other = await wanted();
		await ensureRecord(client, { ...other, name: record.name });
		await expect(ensureRecord(client, record)).rejects.toMatchObject({ code: 'NAME_TAKEN' });
		await foreign(other.name, 'TXT', '"hello"');
		// A CNAME stands alone at Cloudflare only beside addresses; a text does no harm.
		const id = await ensureRecord(client, other);
		expect(there(other.name).map(({ id }) => id)).toContain(id);
	});
});

describe('removing', () => {
	test('takes ours away and nothing else, as often as it is asked', async () => {
		const record = await wanted();
		await ensureRecord(client, record);
		await foreign(record.name, 'TXT', '"theirs"');
		await removeRecord(client, record.owner);
		await removeRecord(client, record.owner);
		expect(there(record.name).map(({ type }) => type)).toEqual(['TXT']);
		expect((await row(record.owner.id)).deletedAt).not.toBeNull();
	});

	test('what was never made, or what somebody else has removed, is as good', async () => {
		const record = await wanted();
		await removeRecord(client, record.owner);
		await ensureRecord(client, record);
		const { records } = cloudflareDocument(kernel).get();
		records.splice(records.indexOf(there(record.name)[0]!), 1);
		await removeRecord(client, record.owner);
		expect((await row(record.owner.id)).deletedAt).not.toBeNull();
	});

	test.each(kinds)('answers %s, %s its effect: the next try ends it', async (kind, when) => {
		const record = await wanted();
		await ensureRecord(client, record);
		kernel.faults.add({ target: 'cloudflare', match: '^DELETE ', kind, when });
		await expect(removeRecord(client, record.owner)).rejects.toBeInstanceOf(CloudflareError);
		expect((await row(record.owner.id)).deletedAt).toBeNull();
		await removeRecord(client, record.owner);
		expect(there(record.name)).toEqual([]);
		expect((await row(record.owner.id)).deletedAt).not.toBeNull();
	});
});

/** Somebody writes a record into our zone by hand. */
async function foreign(name: string, type: string, content: string): Promise<void> {
	const response = await fetch(`${baseUrl}/zones/${zoneId}/dns_records`, {
		method: 'POST',
		headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
		body: JSON.stringify({ type, name, content, ttl: 1 })
	});
	if (!response.ok) throw new Error(await response.text());
}
