import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import type { EndpointRow } from '#lib/notifications/webhooks/endpoints.server.ts';
import { endpointState } from '#lib/notifications/webhooks/webhookEvents.ts';
import { listEndpoints, WEBHOOK_LIST } from '#lib/notifications/webhooks/webhookList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the endpoints that the list's search and filters leave; never their secrets. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'settings:read');
	const query = parseListQuery(event.url, WEBHOOK_LIST);
	const columns: CsvColumn<EndpointRow>[] = [
		{ label: m.webhook_name(), value: (row) => row.name },
		{ label: m.webhook_url(), value: (row) => row.url },
		{ label: m.webhook_events(), value: (row) => row.events.join(' ') },
		{ label: m.webhook_state(), value: (row) => endpointState(row).label },
		{ label: m.webhook_delivery_at(), value: (row) => row.createdAt }
	];
	return csvOfList('webhooks.csv', columns, (page) => listEndpoints(db, { ...query, ...page }));
};
