import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { moveStatus } from '#lib/provisioning/moves/migrationWords.ts';
import { listMoves, MOVE_LIST, type MoveRow } from '#lib/provisioning/moves/moveList.server.ts';
import { downtimeMs, moveTrouble } from '#lib/provisioning/moves/moveViewWords.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the moves that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, MOVE_LIST);
	const trouble = ({ error }: MoveRow) => (error ? moveTrouble(error) : null);
	const seconds = (ms: number | null) => (ms === null ? null : Math.round(ms / 100) / 10);
	const columns: CsvColumn<MoveRow>[] = [
		{ label: 'ID', value: ({ id }) => id },
		{ label: 'VMID', value: ({ container }) => container.vmid },
		{ label: m.cmove_container(), value: ({ container }) => container.hostname },
		{ label: m.cmove_from(), value: ({ from }) => from },
		{ label: m.cmove_to(), value: ({ to }) => to },
		{
			label: m.cmove_instances(),
			value: ({ tenants }) => tenants.map(({ slug }) => slug).join(' ')
		},
		{ label: m.tenants_status(), value: ({ status }) => moveStatus(status).label },
		{ label: `${m.cmove_expected_label()} (s)`, value: ({ expectedMs }) => seconds(expectedMs) },
		{ label: `${m.cmove_downtime()} (s)`, value: (row) => seconds(downtimeMs(row)) },
		{ label: m.cmove_error(), value: (row) => trouble(row)?.sentence ?? null },
		{ label: m.cmove_error_words(), value: (row) => trouble(row)?.technical ?? null },
		{ label: m.cmove_reason(), value: ({ reason }) => reason },
		{ label: m.cmove_asked_by(), value: ({ byLabel }) => byLabel },
		{ label: m.cmove_asked_at(), value: ({ createdAt }) => createdAt },
		{ label: m.cmove_started(), value: ({ startedAt }) => startedAt },
		{ label: m.cmove_finished(), value: ({ finishedAt }) => finishedAt }
	];
	return csvOfList('traslados.csv', columns, (page) => listMoves(db, { ...query, ...page }));
};
