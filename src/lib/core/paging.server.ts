import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from './db.server.ts';
import { AppError } from './errors.ts';

/** Up to here totals are counted, beyond they are estimated: counting a million rows for a caption helps nobody. */
const COUNTED = 10_000;
/** Where the planner expects more than so many rows, counting to 10,000 would hardly ever end. */
const EXPECTED = 2 * COUNTED;

export interface PageRequest {
	/** From 1. */
	page: number;
	/** 1 to 100. */
	pageSize: number;
	/** From an earlier answer; wins over `page`. */
	cursor: string | null;
	/** For who reads to the end: a count for each page would cost more than the page. */
	uncounted?: boolean;
}

export interface PageMeta {
	/** Exact or null: beyond 10,000, where the planner expects more than 20,000, and where nobody counted. */
	total: number | null;
	totalEstimate: number | null;
	page: number;
	pageSize: number;
	/** Cursor of the next page; null on the last. */
	next: string | null;
}

export interface IdPage {
	ids: string[];
	meta: PageMeta;
}

export interface IdQuery {
	/** `tenant_deployments AS tenant JOIN …`; the table whose `id` is paged. */
	from: Prisma.Sql;
	where: Prisma.Sql;
	/** Column to sort by, never null; the id decides among equals. */
	sortBy: Prisma.Sql;
	direction: 'asc' | 'desc';
	/** `tenant.id` */
	id: Prisma.Sql;
	/** PostgreSQL type of the sort column: a cursor carries it as text. */
	sortType: 'timestamptz' | 'text' | 'int8';
}

/**
 * The ids of one page of any list. Pages go by number or, at any depth and equally fast, by cursor.
 * @throws {AppError} BAD_INPUT for a cursor that this list did not give
 */
export async function pageOfIds(tx: Tx, query: IdQuery, request: PageRequest): Promise<IdPage> {
	const { from, where, sortBy, id } = query;
	const order = Prisma.raw(query.direction);
	const type = Prisma.raw(query.sortType);
	const after = request.cursor ? decode(request.cursor) : null;
	const beyond = Prisma.raw(query.direction === 'asc' ? '>' : '<');
	const rows = await tx.$queryRaw<{ id: string; key: string }[]>`
		SELECT ${id} AS id, (${sortBy})::text AS key FROM ${from}
		WHERE ${where} ${after ? Prisma.sql`AND (${sortBy}, ${id}) ${beyond} (${after.key}::${type}, ${after.id}::uuid)` : Prisma.empty}
		ORDER BY ${sortBy} ${order}, ${id} ${order}
		LIMIT ${request.pageSize + 1} OFFSET ${after ? 0 : (request.page - 1) * request.pageSize}`;
	const page = rows.slice(0, request.pageSize);
	const last = page.at(-1);
	return {
		ids: page.map((row) => row.id),
		meta: {
			...(await total(tx, query, request, rows.length)),
			page: request.page,
			pageSize: request.pageSize,
			next: rows.length > request.pageSize && last ? encode(last) : null
		}
	};
}

/**
 * One page of any list: its ids, then what `rowsOf` finds of them, in the order of the page.
 * @throws {AppError} BAD_INPUT for a cursor that this list did not give
 */
export async function pageOfRows<Row extends { id: string }>(
	tx: Tx,
	query: IdQuery,
	request: PageRequest,
	rowsOf: (id: { in: string[] }) => Promise<Row[]>
): Promise<{ rows: Row[]; meta: PageMeta }> {
	const { ids, meta } = await pageOfIds(tx, query, request);
	return { rows: inOrder(ids, await rowsOf({ in: ids })), meta };
}

/** Puts rows that were fetched by id back into the order of their page. */
export function inOrder<Row extends { id: string }>(ids: string[], rows: Row[]): Row[] {
	const byId = new Map(rows.map((row) => [row.id, row]));
	return ids.flatMap((id) => byId.get(id) ?? []);
}

/** A pattern for LIKE that finds the words somebody typed, its own wildcards included. */
export function contains(typed: string): string {
	return `%${typed.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
}

/**
 * That a column of an enumeration is one of some values. Of one value it is written as such: only then does PostgreSQL
 * read an index that begins with the column in the order of the list.
 * @param type `tenant_status`
 */
export function oneOf(column: Prisma.Sql, values: string[], type: string): Prisma.Sql {
	const [only, ...others] = values;
	if (only !== undefined && others.length === 0)
		return Prisma.sql`${column} = ${only}::${Prisma.raw(type)}`;
	return Prisma.sql`${column} = ANY(${values}::${Prisma.raw(type)}[])`;
}

async function total(
	tx: Tx,
	{ from, where }: IdQuery,
	{ page, pageSize, cursor, uncounted }: PageRequest,
	found: number
): Promise<Pick<PageMeta, 'total' | 'totalEstimate'>> {
	if (uncounted) return { total: null, totalEstimate: null };
	const isLast = found <= pageSize && (found > 0 || page === 1);
	if (isLast && !cursor) return { total: (page - 1) * pageSize + found, totalEstimate: null };
	const expected = await estimate(tx, from, where);
	if (expected > EXPECTED) return { total: null, totalEstimate: expected };
	const [counted] = await tx.$queryRaw<{ rows: bigint }[]>`
		SELECT count(*) AS rows FROM (SELECT 1 FROM ${from} WHERE ${where} LIMIT ${COUNTED + 1}) AS counted`;
	const rows = Number(counted!.rows);
	if (rows <= COUNTED) return { total: rows, totalEstimate: null };
	return { total: null, totalEstimate: Math.max(expected, rows) };
}

/** What the planner expects: good enough to say "about 240,000". */
async function estimate(tx: Tx, from: Prisma.Sql, where: Prisma.Sql): Promise<number> {
	const [row] = await tx.$queryRaw<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }[]>`
		EXPLAIN (FORMAT JSON) SELECT 1 FROM ${from} WHERE ${where}`;
	return row?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? COUNTED;
}

function encode(row: { id: string; key: string }): string {
	return Buffer.from(JSON.stringify([row.key, row.id])).toString('base64url');
}

function decode(cursor: string): { key: string; id: string } {
	try {
		const [key, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
		if (typeof key === 'string' && typeof id === 'string' && /^[0-9a-f-]{36}$/.test(id))
			return { key, id };
	} catch {
		// Falls through to the refusal: it was no cursor at all.
	}
	throw new AppError('BAD_INPUT', { fields: { cursor: new AppError('BAD_INPUT').sentence } });
}
