import { describe, expect, it } from 'vitest';
import { Prisma } from '#prisma/generated/client.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db } from './db.server.ts';
import {
	contains,
	type IdQuery,
	pageOfIds,
	pageOfRows,
	type PageRequest
} from './paging.server.ts';

await testDatabase();

const rows = Array.from({ length: 25 }, (_, index) => ({
	source: 'paging',
	level: 'info' as const,
	message: `line ${index}`,
	// Several at the same moment, so that the id has to decide.
	at: new Date(Date.UTC(2026, 0, 1, 0, Math.floor(index / 4)))
}));
await db.logEntry.createMany({ data: rows });

const list: IdQuery = {
	from: Prisma.sql`log_entries AS entry`,
	where: Prisma.sql`entry.source = 'paging'`,
	sortBy: Prisma.sql`entry.at`,
	sortType: 'timestamptz',
	direction: 'desc',
	id: Prisma.sql`entry.id`
};
const asked = { page: 1, pageSize: 10, cursor: null };
const page = (request: Partial<PageRequest>) => pageOfIds(db, list, { ...asked, ...request });

describe('a page of a list', () => {
	it('goes by number and by cursor to the same rows, each once', async () => {
		const first = await page({});
		const second = await page({ page: 2 });
		const third = await page({ page: 3 });
		expect(first.meta).toMatchObject({ total: 25, totalEstimate: null });
		expect(third.meta.next).toBeNull();
		const bySecond = await page({ cursor: first.meta.next });
		expect(bySecond.ids).toEqual(second.ids);
		expect((await page({ cursor: bySecond.meta.next })).ids).toEqual(third.ids);
		expect(new Set([...first.ids, ...second.ids, ...third.ids]).size).toBe(25);
	});

	it('is not counted for who reads to the end, and says the same otherwise', async () => {
		const { ids, meta } = await page({ uncounted: true });
		const counted = await page({});
		expect(ids).toEqual(counted.ids);
		expect(meta).toEqual({ ...counted.meta, total: null });
	});

	it.each([
		['counted up to 10,000', 10_000, 'true', 1, { total: 10_000, totalEstimate: null }],
		['expected beyond', 10_001, 'true', 1, { total: null, totalEstimate: 10_001 }],
		[
			'expected where counting would never end',
			60_000,
			'true',
			1,
			{ total: null, totalEstimate: 60_000 }
		],
		// A third of them is expected.
		[
			'read off the only page, whatever is expected',
			300_000,
			'n % 300000 < 7',
			1,
			{ total: 7, totalEstimate: null }
		],
		['read off the last page', 300_000, 'n % 300000 < 25', 3, { total: 25, totalEstimate: null }],
		['read off no page that is not there', 1_000, 'n < 26', 9, { total: 25, totalEstimate: null }],
		['read off a page without rows', 1_000, 'n < 0', 1, { total: 0, totalEstimate: null }]
	])('has a total, %s', async (_, rows, where, number, expected) => {
		const numbers: IdQuery = {
			from: Prisma.sql`(SELECT n, lpad(n::text, 32, '0')::uuid AS id FROM generate_series(1, ${Prisma.raw(String(rows))}) AS n) AS entry`,
			where: Prisma.raw(where),
			sortBy: Prisma.sql`entry.n`,
			sortType: 'int8',
			direction: 'asc',
			id: Prisma.sql`entry.id`
		};
		const { meta } = await pageOfIds(db, numbers, { ...asked, page: number });
		expect(meta).toMatchObject(expected);
	});

	it.each([
		'',
		'x',
		Buffer.from('["a"]').toString('base64url'),
		Buffer.from('["2026-01-01","1; DROP"]').toString('base64url')
	])('refuses the cursor %j', async (cursor) => {
		if (cursor === '') expect((await page({ cursor })).ids).toHaveLength(10);
		else await expect(page({ cursor })).rejects.toMatchObject({ code: 'BAD_INPUT' });
	});

	it('shows its rows in the order of its ids, whatever order they are found in', async () => {
		const { ids, meta } = await page({ page: 2 });
		const found = await pageOfRows(db, list, { ...asked, page: 2 }, (id) =>
			db.logEntry.findMany({ where: { id }, orderBy: { at: 'asc' } })
		);
		expect(found.rows.map(({ id }) => id)).toEqual(ids);
		expect(found.rows[0]!.message).toMatch(/^line /);
		expect(found.meta).toEqual(meta);
	});

	it('takes wildcards as what somebody typed', () => {
		expect(contains('50%_\\A')).toBe('%50\\%\\_\\\\a%');
	});
});
