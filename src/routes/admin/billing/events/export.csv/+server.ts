import { EVENT_LIST, type EventRow, listEvents } from '#lib/billing/eventList.server.ts';
import { eventState } from '#lib/billing/eventWords.ts';
import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the events that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, EVENT_LIST);
	const columns: CsvColumn<EventRow>[] = [
		{ label: m.stripe_event_one(), value: (row) => row.eventId },
		{ label: m.stripe_event_type(), value: (row) => row.eventType },
		{ label: m.tenants_company(), value: (row) => row.customer?.companyName },
		{ label: m.stripe_event_state(), value: (row) => eventState(row).label },
		{ label: m.stripe_event_attempts(), value: (row) => row.attempts },
		{ label: m.stripe_event_last_error(), value: (row) => row.error },
		{ label: m.stripe_event_happened(), value: (row) => row.createdAt },
		{ label: m.stripe_event_received(), value: (row) => row.receivedAt },
		{ label: m.stripe_event_processed(), value: (row) => row.processedAt }
	];
	return csvOfList('eventos-stripe.csv', columns, (page) => listEvents(db, { ...query, ...page }));
};
