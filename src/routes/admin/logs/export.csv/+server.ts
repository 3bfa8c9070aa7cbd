import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { listEntries } from '#lib/logs/entryList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { csvHeader, csvRow, type CsvColumn } from '#lib/ui/csv.ts';
import { csvResponse } from '#lib/ui/csv-response.ts';
import { MAX_PAGE_SIZE, parseListQuery } from '#lib/ui/list-query.ts';
import type { LogEntry } from '#prisma/generated/client.ts';
import type { RequestHandler } from './$types';

/** Exactly what the log's search and filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'logs:read');
	const query = parseListQuery(event.url, {
		sort: ['at'],
		defaultSort: '-at',
		filters: ['level', 'source', 'from', 'to']
	});
	const columns: CsvColumn<LogEntry>[] = [
		{ label: m.calls_when(), value: (row) => row.at },
		{ label: m.log_level(), value: (row) => row.level },
		{ label: m.logs_source(), value: (row) => row.source },
		{ label: m.tenants_step(), value: (row) => row.stepName },
		{ label: m.logs_message(), value: (row) => row.message },
		{ label: 'job_id', value: (row) => row.jobId }
	];
	return csvResponse('registro.csv', csvHeader(columns), async (cursor) => {
		const page = { page: 1, pageSize: MAX_PAGE_SIZE, cursor };
		const { rows, meta } = await listEntries(db, { ...query, ...page });
		return { text: rows.map((row) => csvRow(columns, row)).join(''), next: meta.next };
	});
};
