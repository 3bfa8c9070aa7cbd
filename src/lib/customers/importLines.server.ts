import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import type { CustomerImportLine, ImportLineStatus } from '#prisma/generated/client.ts';
import { m } from '#i18n/paraglide/messages.js';
import { IMPORT_COLUMNS, type ImportCells } from './importFile.ts';
import { readImportRow } from './importRow.ts';
import { EXISTS } from './imports.server.ts';
import { customerField } from './words.ts';

export const IMPORT_LINE_LIST = {
	sort: ['line'],
	defaultSort: 'line',
	filters: ['status'],
	pageSize: 50
} as const satisfies ListSpec;

export interface ImportLineView {
	id: string;
	line: number;
	cells: ImportCells;
	status: ImportLineStatus;
	customerId: string | null;
	/** Why it cannot be made, in the reader's words. */
	reasons: string[];
}

/** One page of the rows of a file, with what is wrong with each in words. */
export async function listImportLines(
	tx: Tx,
	importId: string,
	query: PageRequest & { filters: { status?: string } }
): Promise<{ rows: ImportLineView[]; meta: PageMeta }> {
	const { status } = query.filters;
	const narrowed = isLineStatus(status)
		? Prisma.sql`AND line.status = ${status}::import_line_status`
		: Prisma.empty;
	const { rows, meta } = await pageOfRows(
		tx,
		{
			from: Prisma.sql`customer_import_lines AS line`,
			where: Prisma.sql`line.import_id = ${importId}::uuid ${narrowed}`,
			sortBy: Prisma.sql`line.line`,
			sortType: 'int8',
			direction: 'asc',
			id: Prisma.sql`line.id`
		},
		query,
		(id) => tx.customerImportLine.findMany({ where: { id, importId } })
	);
	return { rows: rows.map(lineView), meta };
}

export const LINE_STATUSES = ['pending', 'valid', 'refused', 'made'] as const;

function isLineStatus(name: string | undefined): name is ImportLineStatus {
	return LINE_STATUSES.some((status) => status === name);
}

/** A row's cells as they lie in the database. */
export function importCells(stored: unknown): ImportCells {
	const given: Record<string, unknown> = typeof stored === 'object' ? { ...stored } : {};
	const cells: ImportCells = {};
	for (const column of IMPORT_COLUMNS) {
		const value = given[column];
		if (typeof value === 'string') cells[column] = value;
	}
	return cells;
}

function lineView(line: CustomerImportLine): ImportLineView {
	const cells = importCells(line.cells);
	const { id, status, customerId } = line;
	return { id, line: line.line, cells, status, customerId, reasons: reasonsOf(line, cells) };
}

function reasonsOf({ errors, status }: CustomerImportLine, cells: ImportCells): string[] {
	if (status !== 'refused') return [];
	const codes: Record<string, unknown> = typeof errors === 'object' ? { ...errors } : {};
	const read = readImportRow(cells);
	const sentences = 'errors' in read ? read.errors : {};
	return Object.entries(codes).map(([column, code]) => {
		if (code === EXISTS) return m.import_email_exists();
		const earlier = /^in_file:(\d+)$/.exec(String(code))?.[1];
		if (earlier) return m.import_email_in_file({ line: earlier });
		return `${customerField(column)}: ${sentences[column] ?? m.field_invalid()}`;
	});
}
