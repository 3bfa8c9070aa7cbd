import { beforeAll, expect, test } from 'vitest';
import { generateTenants } from '../../../tests/bench/rows.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db } from '#lib/core/db.server.ts';
import { listTenants, type TenantQuery } from './tenantList.server.ts';

const { url } = await testDatabase();

beforeAll(async () => {
	const tunnel = await db.tunnel.create({ data: { cloudflareId: 'tunnel', name: 'tunnel' } });
	await db.baseDomain.create({
		data: { name: 'sajet.us', zoneId: 'zone', tunnelId: tunnel.id, isDefault: true }
	});
	// 1,200 of which 60 are deleted.
	await generateTenants(url, 1_200);
});

async function list(query: Partial<TenantQuery>) {
	const { rows, meta } = await listTenants(db, {
		q: '',
		sort: { key: 'subdomain', direction: 'asc' },
		filters: {},
		page: 1,
		pageSize: 3,
		cursor: null,
		...query
	});
	return { names: rows.map(({ subdomain }) => subdomain), total: meta.total };
}

test('finds a rare word in the name, the company and the address, without those that are gone', async () => {
	expect(await list({ q: 'empresa-117' })).toEqual({
		names: ['empresa-117', 'empresa-1170', 'empresa-1171'],
		total: 11
	});
	expect(await list({ q: 'Empresa 77 S.A.' })).toEqual({ names: ['empresa-77'], total: 1 });
	expect(await list({ q: 'PERSONA77@' })).toEqual({ names: ['empresa-77'], total: 1 });
	expect(await list({ q: 'nobody' })).toEqual({ names: [], total: 0 });
	expect(await list({ q: '100%' })).toEqual({ names: [], total: 0 });
});

test('finds a common word, by page and with filters', async () => {
	expect(await list({ q: 'empresa' })).toEqual({
		names: ['empresa-1', 'empresa-10', 'empresa-1001'],
		total: 1_140
	});
	expect(await list({ q: 'empresa', filters: { status: 'deleted' } })).toMatchObject({ total: 60 });
	expect(await list({ q: 'empresa', filters: { plan: 'basic' } })).toMatchObject({ total: 0 });
	expect(await list({ q: 'empresa', filters: { status: 'failed' } })).toEqual({
		names: ['empresa-1007', 'empresa-507', 'empresa-7'],
		total: 3
	});
});
