import { z } from 'zod';
import type { WebhookDelivery } from '#prisma/generated/client.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	deliveryStatus,
	webhookEventLabel,
	webhookProblem
} from '#lib/notifications/webhooks/webhookEvents.ts';
import { DELIVERY_LIST, listDeliveries } from '#lib/notifications/webhooks/webhookList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the deliveries that the list's search and filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'settings:read');
	const { id } = event.params;
	if (!z.uuid().safeParse(id).success) throw new AppError('NOT_FOUND');
	const query = parseListQuery(event.url, DELIVERY_LIST);
	const columns: CsvColumn<WebhookDelivery>[] = [
		{ label: 'id', value: (row) => row.id },
		{ label: m.webhook_delivery_at(), value: (row) => row.createdAt },
		{ label: m.webhook_delivery_event(), value: (row) => webhookEventLabel(row.event) },
		{ label: m.webhook_delivery_status(), value: (row) => deliveryStatus(row.status).label },
		{ label: m.webhook_delivery_attempts(), value: (row) => row.attempts },
		{ label: m.webhook_delivery_answer(), value: (row) => row.responseStatus },
		{ label: 'error', value: (row) => (row.error ? webhookProblem(row.error) : null) },
		{ label: m.webhook_delivery_tried(), value: (row) => row.lastTriedAt }
	];
	return csvOfList('entregas.csv', columns, (page) =>
		listDeliveries(db, id, { ...query, ...page })
	);
};
