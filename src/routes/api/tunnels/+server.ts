import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { createTunnel } from '#lib/domains/tunnels/tunnelActs.server.ts';
import { newTunnelForm } from '#lib/domains/tunnels/tunnelForms.ts';
import { listTunnels, TUNNEL_LIST } from '#lib/domains/tunnels/tunnelList.server.ts';
import { oneTunnel, tunnelSchema, tunnelView } from '#lib/domains/tunnels/tunnelView.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'List tunnels; deleted ones only when state asks for them',
		permission: 'domains:read',
		query: pageQuery.extend({
			/** In name and Cloudflare's id. */
			search: z.string().max(200).default(''),
			/** Cloudflare's word: healthy, degraded, down, inactive; or unknown. */
			status: z.string().max(40).optional(),
			/** `drifted`: written by somebody else; `deleted`. */
			state: z.enum(['drifted', 'deleted']).optional(),
			sort: z.enum(TUNNEL_LIST.sort).default('name'),
			order: z.enum(['asc', 'desc']).default('asc')
		}),
		response: z.array(tunnelSchema)
	},
	async ({ query }) => {
		const { status, state } = query;
		const { rows, meta } = await listTunnels(db, {
			q: query.search.trim(),
			sort: { key: query.sort, direction: query.order },
			filters: { ...(status ? { status } : {}), ...(state ? { state } : {}) },
			page: query.page,
			pageSize: query.page_size,
			cursor: query.cursor ?? null
		});
		return paged(rows.map(tunnelView), meta);
	}
);

export const POST = endpoint(
	{
		summary:
			'Create a tunnel, or take over one that Cloudflare has (enrol); a job makes it, and its token is read on the page',
		permission: 'domains:write',
		body: newTunnelForm,
		response: tunnelSchema,
		status: 202
	},
	async ({ body, event }) => {
		const { id } = await createTunnel(body, actorOf(event.locals.auth!));
		return oneTunnel(db, id);
	}
);
