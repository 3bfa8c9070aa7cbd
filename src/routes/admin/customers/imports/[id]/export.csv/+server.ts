import { db } from '#lib/core/db.server.ts';
import {
	IMPORT_LINE_LIST,
	listImportLines,
	type ImportLineView
} from '#lib/customers/importLines.server.ts';
import { IMPORT_COLUMNS } from '#lib/customers/importFile.ts';
import { importLineStatus } from '#lib/customers/importWords.ts';
import { findImport } from '#lib/customers/imports.server.ts';
import { customerField } from '#lib/customers/words.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** The rows that the filter leaves; with `status=refused` the file of errors, which can be mended and imported as it is. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'customers:write');
	const { id } = await findImport(db, event.params.id);
	const query = parseListQuery(event.url, IMPORT_LINE_LIST);
	const name = query.filters.status === 'refused' ? 'filas-rechazadas' : 'importacion';
	const columns: CsvColumn<ImportLineView>[] = [
		...IMPORT_COLUMNS.map((column) => ({
			label: customerField(column),
			value: (row: ImportLineView) => row.cells[column]
		})),
		{ label: m.import_line(), value: (row) => row.line },
		{ label: m.import_result(), value: (row) => importLineStatus(row.status).label },
		{ label: m.import_reasons(), value: (row) => row.reasons.join(' · ') }
	];
	return csvOfList(`${name}-${id.slice(-8)}.csv`, columns, (page) =>
		listImportLines(db, id, { ...query, ...page })
	);
};
