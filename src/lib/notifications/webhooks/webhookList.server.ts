import { z } from 'zod';
import { Prisma, type WebhookDelivery } from '#prisma/generated/client.ts';
import { WebhookDeliveryStatus } from '#prisma/generated/enums.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import type { EndpointRow } from './endpoints.server.ts';

export const WEBHOOK_LIST = {
	sort: ['created_at'],
	defaultSort: '-created_at',
	filters: ['state']
} satisfies ListSpec;

export const DELIVERY_LIST = {
	sort: ['created_at'],
	defaultSort: '-created_at',
	filters: ['status', 'event']
} satisfies ListSpec;

interface ListRequest extends PageRequest {
	q: string;
	sort: { direction: 'asc' | 'desc' };
}

/** One page of the endpoints; `q` looks in name and address. */
export function listEndpoints(
	tx: Tx,
	{ q, filters, ...query }: ListRequest & { filters: { state?: string } }
): Promise<{ rows: EndpointRow[]; meta: PageMeta }> {
	const conditions = [Prisma.sql`true`];
	if (filters.state === 'on') conditions.push(Prisma.sql`endpoint.enabled`);
	if (filters.state === 'off') conditions.push(Prisma.sql`NOT endpoint.enabled`);
	if (q)
		conditions.push(
			Prisma.sql`lower(concat_ws(' ', endpoint.name, endpoint.url)) LIKE ${contains(q)}`
		);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`webhook_endpoints AS endpoint`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`endpoint.created_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`endpoint.id`
		},
		query,
		(id) => tx.webhookEndpoint.findMany({ where: { id }, omit: { secret: true } })
	);
}

/** One page of what was sent to an endpoint; `q` looks in the id, the event and the error. */
export function listDeliveries(
	tx: Tx,
	endpointId: string,
	{ q, filters, ...query }: ListRequest & { filters: { status?: string; event?: string } }
): Promise<{ rows: WebhookDelivery[]; meta: PageMeta }> {
	const conditions = [Prisma.sql`delivery.endpoint_id = ${endpointId}::uuid`];
	const status = Object.values(WebhookDeliveryStatus).find((name) => name === filters.status);
	if (status) conditions.push(Prisma.sql`delivery.status = ${status}::webhook_delivery_status`);
	if (filters.event) conditions.push(Prisma.sql`delivery.event = ${filters.event}`);
	if (q)
		conditions.push(
			Prisma.sql`lower(concat_ws(' ', delivery.id, delivery.event, delivery.error)) LIKE ${contains(q)}`
		);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`webhook_deliveries AS delivery`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`delivery.created_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`delivery.id`
		},
		query,
		(id) => tx.webhookDelivery.findMany({ where: { id } })
	);
}

/** What the API says of an endpoint. Never its secret. */
export const webhookSchema = z.object({
	id: z.uuid(),
	name: z.string(),
	url: z.string(),
	events: z.array(z.string()),
	enabled: z.boolean(),
	/** Since when nothing could be delivered. */
	failing_since: z.date().nullable(),
	/** Since when it is switched off because nothing arrived for days. */
	paused_at: z.date().nullable(),
	/** To be sent back with a change. */
	revision: z.number().int(),
	created_at: z.date()
});

export function webhookView(row: EndpointRow): z.input<typeof webhookSchema> {
	const { id, name, url, events, enabled, revision } = row;
	return {
		...{ id, name, url, events, enabled, revision },
		...{ failing_since: row.failingSince, paused_at: row.pausedAt, created_at: row.createdAt }
	};
}

export const deliverySchema = z.object({
	id: z.uuid(),
	event: z.string(),
	status: z.enum(WebhookDeliveryStatus),
	attempts: z.number().int(),
	response_status: z.number().int().nullable(),
	error: z.string().nullable(),
	created_at: z.date(),
	last_tried_at: z.date().nullable(),
	delivered_at: z.date().nullable()
});

export function deliveryView(row: WebhookDelivery): z.input<typeof deliverySchema> {
	const { id, event, status, attempts, error } = row;
	return {
		...{ id, event, status, attempts, error, response_status: row.responseStatus },
		...{ created_at: row.createdAt, last_tried_at: row.lastTriedAt },
		delivered_at: row.deliveredAt
	};
}
