import { db } from '#lib/core/db.server.ts';
import { CHANGE_LIST, listChanges } from '#lib/domains/records/recordList.server.ts';
import { actWord, changeBadge, reasonWord } from '#lib/domains/records/recordWords.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RecordChange } from '#prisma/generated/client.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'domains:read');
	const query = parseListQuery(event.url, CHANGE_LIST);
	return csvOfList('operaciones-dns.csv', columns(), (page) =>
		listChanges(db, { ...query, ...page })
	);
};

function columns(): CsvColumn<RecordChange>[] {
	return [
		{ label: m.domains_record_name(), value: (row) => row.name },
		{ label: m.domains_record_type(), value: (row) => row.type },
		{ label: m.domains_record_content(), value: (row) => row.content },
		{ label: m.domains_change_act(), value: (row) => actWord(row.act) },
		{ label: m.domains_change_result(), value: (row) => changeBadge(row.status).label },
		{ label: m.domains_change_why(), value: (row) => reasonWord(row.reason) ?? row.error },
		{ label: m.domains_change_by(), value: (row) => row.byLabel },
		{ label: m.domains_change_asked(), value: (row) => row.createdAt },
		{ label: m.domains_change_finished(), value: (row) => row.finishedAt }
	];
}
