import { driftCause, driftKind } from '#lib/billing/driftWords.ts';
import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { DRIFT_LIST, listDrifts } from '#lib/logs/driftList.server.ts';
import { driftOutcome, driftSides } from '#lib/logs/driftWords.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Drift } from '#prisma/generated/client.ts';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the differences that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, DRIFT_LIST);
	const columns: CsvColumn<Drift>[] = [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.drift_kind(), value: (row) => driftKind(row.kind) },
		{ label: m.drift_subject(), value: (row) => row.subjectId },
		{
			label: m.drift_sides(),
			value: (row) =>
				driftSides(row)
					.map(({ field, ours, theirs }) => `${field}: ${ours} · ${theirs}`)
					.join('; ')
		},
		{ label: m.drift_cause(), value: (row) => driftCause(row.cause) },
		{ label: m.drift_age(), value: (row) => row.firstSeenAt },
		{ label: m.drift_state(), value: (row) => driftOutcome(row.outcome) }
	];
	return csvOfList('conciliacion.csv', columns, (page) =>
		listDrifts(db, { ...query, ...page, area: 'billing' })
	);
};
