import { describe, expect, test } from 'vitest';
import { createCluster } from '../../../../tests/factories/infrastructure.ts';
import { testBaseDomains } from '../../../../tests/setup/baseDomains.ts';
import { db } from '#lib/core/db.server.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { prepareBase } from './basePrepare.server.ts';
import { removeTarget } from './baseTarget.server.ts';
import { markOf } from '../records/marks.ts';

const { kernel, standIn, account, at, added, foreign } = await testBaseDomains();
const tunnelName = `${standIn.tunnelId}.cfargotunnel.com`;

describe('preparation', () => {
	const state = async (id: string) => {
		const row = await db.baseDomain.findUniqueOrThrow({ where: { id } });
		return { preparation: row.preparation, fallback: row.fallbackStatus, obstacle: row.obstacle };
	};
	const fallback = () => account().fallback[standIn.zoneId]?.origin;

	test('for Cloudflare for SaaS makes a marked, proxied record and sets the fallback origin', async () => {
		const base = await added();
		expect(await prepareBase(base.id)).toBe('ready');
		expect(at('customers.sajet.us')).toMatchObject([
			{
				...{ type: 'CNAME', content: tunnelName, proxied: true },
				comment: markOf({ kind: 'base', id: base.id })
			}
		]);
		expect(fallback()).toBe('customers.sajet.us');
		expect(await state(base.id)).toEqual({
			...{ preparation: 'ready', fallback: 'active', obstacle: null }
		});
		kernel.calls.clear();
		expect(await prepareBase(base.id)).toBe('ready');
		const changes = kernel.calls.list({ vendor: 'cloudflare', match: '^(POST|PUT|PATCH|DELETE) ' });
		expect(changes).toEqual([]);
	});

	test('waits while Cloudflare deploys it', async () => {
		const base = await added();
		await prepareBase(base.id);
		account().fallback[standIn.zoneId]!.since_ms = kernel.clock.nowMs() + 60_000;
		expect(await prepareBase(base.id)).toBe('pending');
		expect(await state(base.id)).toMatchObject({
			...{ preparation: 'pending', fallback: 'pending_deployment' }
		});
	});

	test('leaves a record of somebody else alone, and says what is in the way', async () => {
		const base = await added();
		await foreign('customers.sajet.us', 'A', '192.0.2.9');
		expect(await prepareBase(base.id)).toBe('error');
		expect(at('customers.sajet.us')).toMatchObject([{ type: 'A', content: '192.0.2.9' }]);
		expect((await state(base.id)).obstacle).toMatchObject({
			code: 'record_in_the_way',
			params: { type: 'A', content: '192.0.2.9' }
		});
		account().records = [];
		expect(await prepareBase(base.id)).toBe('ready');
	});

	test('leaves a fallback origin of somebody else until a person says otherwise', async () => {
		const base = await added();
		const at = new Date().toISOString();
		account().fallback[standIn.zoneId] = {
			...{ origin: 'shop.sajet.us', created_at: at, updated_at: at, since_ms: 0 }
		};
		expect(await prepareBase(base.id)).toBe('error');
		expect(fallback()).toBe('shop.sajet.us');
		expect((await state(base.id)).obstacle).toMatchObject({ code: 'fallback_elsewhere' });
		expect(await prepareBase(base.id, { replace: true })).toBe('ready');
		expect(fallback()).toBe('customers.sajet.us');
	});

	test('puts back what somebody took away at Cloudflare', async () => {
		const base = await added();
		await prepareBase(base.id);
		account().records = [];
		delete account().fallback[standIn.zoneId];
		expect(await prepareBase(base.id, { look: true })).toBe('ready');
		expect(at('customers.sajet.us')).toHaveLength(1);
		expect(fallback()).toBe('customers.sajet.us');
	});

	test('for a zone in our account makes nothing, and takes back what it made before', async () => {
		const base = await added();
		await prepareBase(base.id);
		await db.baseDomain.update({ where: { id: base.id }, data: { driver: 'account_cname' } });
		expect(await prepareBase(base.id)).toBe('ready');
		expect(at('customers.sajet.us')).toEqual([]);
		expect(fallback()).toBeUndefined();
	});

	test('for our own edge makes plain records of its addresses, and follows them', async () => {
		const { clusterId } = await createCluster(db);
		const node = await db.node.findFirstOrThrow({ where: { clusterId } });
		const server = await db.edgeServer.create({ data: { name: 'edge-1', nodeId: node.id } });
		const base = await added({ driver: 'edge', edge_server: server.id });
		expect(await prepareBase(base.id)).toBe('error');
		expect((await state(base.id)).obstacle).toMatchObject({ code: 'edge_without_address' });
		const addresses = (ipv4: string[]) =>
			db.edgeServer.update({ where: { id: server.id }, data: { ipv4, ipv6: ['2001:db8::7'] } });
		await addresses(['192.0.2.7', '192.0.2.8']);
		expect(await prepareBase(base.id)).toBe('ready');
		const there = () =>
			at('customers.sajet.us').map(({ type, content, proxied }) => [type, content, proxied]);
		expect(there()).toEqual([
			['A', '192.0.2.7', false],
			['A', '192.0.2.8', false],
			['AAAA', '2001:db8::7', false]
		]);
		await addresses(['192.0.2.9']);
		expect(await prepareBase(base.id)).toBe('ready');
		expect(there()).toEqual([
			['AAAA', '2001:db8::7', false],
			['A', '192.0.2.9', false]
		]);
		expect(fallback()).toBeUndefined();
	});

	test.each(['status', 'timeout', 'reset', 'malformed'] as const)(
		'that meets %s on the way is done by the next try, and nothing twice',
		async (kind) => {
			const base = await added();
			for (const [match, when] of [
				['^POST .*/batch$', 'after'],
				['^PUT .*/fallback_origin$', 'after']
			] as const) {
				kernel.faults.add({ target: 'cloudflare', match, kind, when, status: 502 });
				await prepareBase(base.id).catch(() => null);
			}
			expect(await prepareBase(base.id)).toBe('ready');
			expect(at('customers.sajet.us')).toHaveLength(1);
			expect(await state(base.id)).toMatchObject({ preparation: 'ready', obstacle: null });
		}
	);

	test('of a removed one is taken back, and nothing else at the name', async () => {
		const base = await added();
		await prepareBase(base.id);
		await foreign('customers.sajet.us', 'TXT', '"theirs"');
		await removeTarget(await cloudflareClient(), base);
		expect(at('customers.sajet.us').map(({ type }) => type)).toEqual(['TXT']);
	});
});
