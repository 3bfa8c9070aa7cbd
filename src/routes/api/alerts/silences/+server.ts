import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { silenceSchema, silenceView } from '#lib/notifications/alerts/alertView.server.ts';
import { silenceForm } from '#lib/notifications/alerts/silenceForms.ts';
import { listSilences } from '#lib/notifications/alerts/silenceList.server.ts';
import { addSilence } from '#lib/notifications/alerts/silences.server.ts';

export const GET = endpoint(
	{
		summary: 'List what keeps alerts quiet; those that are over when state asks for them',
		permission: 'notifications:read',
		query: pageQuery.extend({
			search: z.string().max(200).default(''),
			state: z.enum(['in_force', 'ended']).default('in_force'),
			rule: z.string().max(200).optional(),
			order: z.enum(['asc', 'desc']).default('desc')
		}),
		response: z.array(silenceSchema)
	},
	async ({ query }) => {
		const { search, state, rule, order, page, page_size, cursor } = query;
		const { rows, meta } = await listSilences(db, {
			q: search.trim(),
			sort: { direction: order },
			filters: { state, ...(rule && { rule }) },
			...{ page, pageSize: page_size, cursor: cursor ?? null }
		});
		return paged(rows.map(silenceView), meta);
	}
);

export const POST = endpoint(
	{
		summary:
			'Keep the alerts of a rule, of a subject ("node <id>") or of both quiet for so many hours',
		permission: 'notifications:write',
		body: silenceForm,
		response: silenceSchema,
		status: 201
	},
	async ({ body, event }) => {
		const by = actorOf(event.locals.auth!);
		return silenceView(await transaction((tx) => addSilence(tx, body, by)));
	}
);
