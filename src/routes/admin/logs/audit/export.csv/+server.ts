import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { type AuditRow, listAudit } from '#lib/logs/auditList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { csvHeader, csvRow, type CsvColumn } from '#lib/ui/csv.ts';
import { csvResponse } from '#lib/ui/csv-response.ts';
import { MAX_PAGE_SIZE, parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

const json = (value: unknown) => (value === null ? null : JSON.stringify(value));

/** Exactly what the audit's search and filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'audit:read');
	const query = parseListQuery(event.url, {
		sort: ['at'],
		defaultSort: '-at',
		filters: ['area', 'from', 'to']
	});
	const columns: CsvColumn<AuditRow>[] = [
		{ label: m.audit_sequence(), value: (row) => row.sequence },
		{ label: m.calls_when(), value: (row) => row.at },
		{ label: m.audit_who(), value: (row) => row.actorLabel },
		{ label: m.audit_action(), value: (row) => row.action },
		{ label: m.audit_subject(), value: (row) => row.subjectType },
		{ label: 'subject_id', value: (row) => row.subjectId },
		{ label: m.audit_before(), value: (row) => json(row.before) },
		{ label: m.audit_after(), value: (row) => json(row.after) },
		{ label: 'IP', value: (row) => row.ip },
		{ label: 'hash', value: (row) => row.hash }
	];
	return csvResponse('auditoria.csv', csvHeader(columns), async (cursor) => {
		const page = { page: 1, pageSize: MAX_PAGE_SIZE, cursor };
		const { rows, meta } = await listAudit(db, { ...query, ...page });
		return { text: rows.map((row) => csvRow(columns, row)).join(''), next: meta.next };
	});
};
