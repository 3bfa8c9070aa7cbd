import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { NODE_STATES, nodeCards } from '#lib/infrastructure/metrics/cards.server.ts';
import { enrolInOneGo, nodeEnrolmentBody } from '#lib/infrastructure/nodes/apiEnrolment.server.ts';
import { nodeDetail, nodeDetailSchema } from '#lib/infrastructure/nodes/nodeDetail.server.ts';
import { nodeSchema, nodeView } from '#lib/infrastructure/nodes/nodeView.server.ts';

export const GET = endpoint(
	{
		summary: 'List nodes by cluster and name, with what they have promised and what they use',
		permission: 'infrastructure:read',
		query: pageQuery.extend({
			/** In name and host name. */
			search: z.string().max(200).default(''),
			/** Name of a cluster. */
			cluster: z.string().max(100).optional(),
			/** unwell: online, but nothing new is placed there; full: nothing more fits. */
			state: z.enum(NODE_STATES).optional()
		}),
		response: z.array(nodeSchema)
	},
	async ({ query }) => {
		const { cluster, state } = query;
		const { rows, meta } = await nodeCards(db, {
			q: query.search.trim(),
			page: query.page,
			pageSize: query.page_size,
			cursor: query.cursor ?? null,
			filters: { ...(cluster ? { cluster } : {}), ...(state ? { state } : {}) }
		});
		return paged(rows.map(nodeView), meta);
	}
);

export const POST = endpoint(
	{
		summary:
			'Enrol a node; without both fingerprints, or with others, 400 says which ones its servers show, to be compared on the node',
		permission: 'infrastructure:write',
		body: nodeEnrolmentBody,
		response: nodeDetailSchema,
		status: 201,
		stepUp: true
	},
	async ({ body, event }) => {
		const { nodeId } = await enrolInOneGo(body, actorOf(event.locals.auth!));
		return nodeDetail(db, nodeId);
	}
);
