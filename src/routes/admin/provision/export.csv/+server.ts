import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	expectedAt,
	listWaiting,
	QUEUE_LIST,
	waitHistories,
	type WaitingTenant
} from '#lib/provisioning/waiting.server.ts';
import { isolationLabel } from '#lib/provisioning/words.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly those who wait that the list's search and filters leave. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'provisioning:read');
	const query = parseListQuery(event.url, QUEUE_LIST);
	const waits = await waitHistories(db);
	const columns: CsvColumn<WaitingTenant>[] = [
		{ label: m.provision_position(), value: (row) => row.position },
		{ label: m.provision_kind(), value: (row) => isolationLabel(row.isolation) },
		{ label: m.tenants_one(), value: (row) => row.slug },
		{ label: m.tenants_company(), value: (row) => row.customer.companyName },
		{ label: m.tenants_plan(), value: (row) => row.plan.name },
		{ label: m.provision_waiting_since(), value: (row) => row.since },
		{ label: m.provision_expected(), value: (row) => expectedAt(waits, row) },
		{ label: m.provision_refund_at(), value: (row) => row.until }
	];
	return csvOfList('cola.csv', columns, (page) => listWaiting(db, { ...query, ...page }));
};
