import { db } from '#lib/core/db.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { DRAIN_LIST, listDrains } from '#lib/provisioning/moves/drains/drainList.server.ts';
import type { DrainRow } from '#lib/provisioning/moves/drains/drainView.server.ts';
import { drainProgress, drainStatus } from '#lib/provisioning/moves/drains/drainWords.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the drains that the list's filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, DRAIN_LIST);
	const at = now().getTime();
	const columns: CsvColumn<DrainRow>[] = [
		{ label: 'ID', value: ({ id }) => id },
		{ label: m.drain_node(), value: ({ node }) => node },
		{
			label: m.tenants_status(),
			value: ({ status, notBefore }) => drainStatus(status, notBefore, at).label
		},
		{
			label: m.drain_progress_label(),
			value: ({ counts }) => m.drain_progress(drainProgress(counts))
		},
		{ label: m.cmove_reason(), value: ({ reason }) => reason },
		{ label: m.cmove_not_before(), value: ({ notBefore }) => notBefore },
		{ label: m.drain_asked_by(), value: ({ byLabel }) => byLabel },
		{ label: m.drain_asked_at(), value: ({ createdAt }) => createdAt },
		{ label: m.cmove_finished(), value: ({ finishedAt }) => finishedAt }
	];
	return csvOfList('vaciados.csv', columns, (page) => listDrains(db, { ...query, ...page }));
};
