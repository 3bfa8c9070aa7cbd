import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { edgeHostBody } from '#lib/domains/tunnels/edgeHostForms.ts';
import { EDGE_HOST_LIST, listEdgeHosts } from '#lib/domains/tunnels/edgeHostList.server.ts';
import {
	addEdgeHost,
	livingTunnel,
	removeEdgeHost
} from '#lib/domains/tunnels/edgeHosts.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';

const params = z.object({ id: z.uuid() });

const hostSchema = z.object({
	id: z.uuid(),
	hostname: z.string(),
	/** Regular expression; null for every path. */
	path: z.string().nullable(),
	service: z.string(),
	/** Found in the tunnel, written by somebody else. */
	adopted: z.boolean(),
	/** The record of its name is made and taken away with it. */
	dns: z.boolean(),
	/** It can be removed. */
	removable: z.boolean()
});

export const GET = endpoint(
	{
		summary: 'List the hosts of a tunnel that are no instance',
		permission: 'domains:read',
		params,
		query: pageQuery.extend({
			/** In host and service. */
			search: z.string().max(200).default(''),
			kind: z.enum(['own', 'adopted']).optional(),
			sort: z.enum(EDGE_HOST_LIST.sort).default('hostname'),
			order: z.enum(['asc', 'desc']).default('asc')
		}),
		response: z.array(hostSchema)
	},
	async ({ params, query }) => {
		await livingTunnel(db, params.id);
		const { rows, meta } = await listEdgeHosts(db, params.id, {
			q: query.search.trim(),
			sort: { key: query.sort, direction: query.order },
			filters: { ...(query.kind && { kind: query.kind }) },
			page: query.page,
			pageSize: query.page_size,
			cursor: query.cursor ?? null
		});
		return paged(
			rows.map(({ stays, dnsKept: dns, ...host }) => ({ ...host, dns, removable: stays === null })),
			meta
		);
	}
);

export const POST = endpoint(
	{
		summary: 'Lead a host through a tunnel; its name is no instance’s from then on',
		permission: 'domains:write',
		params,
		body: edgeHostBody,
		response: hostSchema,
		status: 201
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const host = await transaction((tx) => addEdgeHost(tx, params.id, body, { by }));
		return { ...host, dns: host.dnsKept, removable: true };
	}
);

export const DELETE = endpoint(
	{
		summary: 'Take a host out of a tunnel; the rule of an adopted one is gone with it',
		permission: 'domains:write',
		params,
		stepUp: true,
		query: z.object({ host: z.uuid() }),
		response: z.object({ id: z.uuid(), hostname: z.string() })
	},
	async ({ params, query, event }) => {
		const by = actorOf(event.locals.auth!);
		const { id, hostname } = await transaction((tx) =>
			removeEdgeHost(tx, params.id, query.host, { by })
		);
		return { id, hostname };
	}
);
