import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	clusterDriftCause,
	clusterDriftKind,
	clusterDriftSides
} from '#lib/infrastructure/drift/clusterDriftWords.ts';
import { subjectsOf, type DriftSubject } from '#lib/infrastructure/drift/driftSubjects.server.ts';
import { DRIFT_LIST, listDrifts } from '#lib/logs/driftList.server.ts';
import { driftOutcome } from '#lib/logs/driftWords.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Drift } from '#prisma/generated/client.ts';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

type Row = Drift & { container: DriftSubject | null };

/** Exactly the differences that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, DRIFT_LIST);
	const columns: CsvColumn<Row>[] = [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.drift_kind(), value: (row) => clusterDriftKind(row.kind) },
		{ label: m.drift_subject(), value: (row) => row.subjectId },
		{ label: 'VMID', value: (row) => row.container?.vmid },
		{ label: m.cdrift_field_hostname(), value: (row) => row.container?.hostname },
		{ label: m.cdrift_field_node(), value: (row) => row.container?.node },
		{
			label: m.cdrift_sides(),
			value: (row) =>
				clusterDriftSides(row)
					.map(({ field, ours, theirs }) => `${field}: ${ours} · ${theirs}`)
					.join('; ')
		},
		{ label: m.drift_cause(), value: (row) => clusterDriftCause(row.cause) },
		{ label: m.drift_age(), value: (row) => row.firstSeenAt },
		{ label: m.drift_state(), value: (row) => driftOutcome(row.outcome) },
		{ label: m.drift_ignore_note(), value: (row) => row.note }
	];
	return csvOfList('diferencias.csv', columns, async (page) => {
		const { rows, meta } = await listDrifts(db, { ...query, ...page, area: 'infrastructure' });
		const subjects = await subjectsOf(db, rows);
		const shown = rows.map((row) => ({ ...row, container: subjects.get(row.subjectId) ?? null }));
		return { rows: shown, meta };
	});
};
