import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { ruleSchema, ruleView } from '#lib/notifications/alerts/alertView.server.ts';
import { newRuleMetric, ruleBody } from '#lib/notifications/alerts/ruleForms.ts';
import { listRules } from '#lib/notifications/alerts/ruleList.server.ts';
import { addRule } from '#lib/notifications/alerts/rules.server.ts';
import { AlertSeverity } from '#prisma/generated/enums.ts';

export const GET = endpoint(
	{
		summary: 'List the rules that open alerts, by key',
		permission: 'notifications:read',
		query: pageQuery.extend({
			/** In key and metric. */
			search: z.string().max(200).default(''),
			/** `own`: those that are not the product's. */
			state: z.enum(['on', 'off', 'own']).optional(),
			severity: z.enum(AlertSeverity).optional(),
			order: z.enum(['asc', 'desc']).default('asc')
		}),
		response: z.array(ruleSchema)
	},
	async ({ query }) => {
		const { search, state, severity, order, page, page_size, cursor } = query;
		const { rows, meta } = await listRules(db, {
			q: search.trim(),
			sort: { direction: order },
			filters: { ...(state && { state }), ...(severity && { severity }) },
			...{ page, pageSize: page_size, cursor: cursor ?? null }
		});
		return paged(rows.map(ruleView), meta);
	}
);

export const POST = endpoint(
	{
		summary: 'Add a rule over one of the metrics that the list of rules names',
		permission: 'notifications:write',
		body: z.intersection(ruleBody, newRuleMetric),
		response: ruleSchema,
		status: 201
	},
	async ({ body: { metric, ...input }, event }) => {
		const by = actorOf(event.locals.auth!);
		return ruleView(await transaction((tx) => addRule(tx, metric, { input, by })));
	}
);
