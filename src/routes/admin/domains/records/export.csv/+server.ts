import { db } from '#lib/core/db.server.ts';
import {
	listRecords,
	RECORD_LIST,
	type RecordRow
} from '#lib/domains/records/recordList.server.ts';
import { ownerWord, standingBadge } from '#lib/domains/records/recordWords.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'domains:read');
	const query = parseListQuery(event.url, RECORD_LIST);
	return csvOfList('registros.csv', columns(), (page) => listRecords(db, { ...query, ...page }));
};

function columns(): CsvColumn<RecordRow>[] {
	return [
		{ label: m.domains_record_name(), value: (row) => row.name },
		{ label: m.domains_record_type(), value: (row) => row.type },
		{ label: m.domains_record_content(), value: (row) => row.content },
		{
			label: m.domains_record_proxy(),
			value: (row) => (row.proxied ? m.ui_yes() : m.ui_no())
		},
		{ label: m.domains_record_comment(), value: (row) => row.comment },
		{ label: m.domains_record_owner(), value: (row) => ownerWord(row.ownerKind) },
		{ label: m.domains_record_owner_id(), value: (row) => row.ownerId },
		{ label: m.domains_record_standing(), value: (row) => standingBadge(row.standing).label },
		{ label: m.domains_record_wanted_content(), value: (row) => row.wantedContent }
	];
}
