import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { AUDIT_LIST, type AuditRow, listAudit } from '#lib/logs/auditList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

const json = (value: unknown) => (value === null ? null : JSON.stringify(value));

/** Exactly what the audit's search and filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'audit:read');
	const query = parseListQuery(event.url, AUDIT_LIST);
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
	return csvOfList('auditoria.csv', columns, (page) => listAudit(db, { ...query, ...page }));
};
