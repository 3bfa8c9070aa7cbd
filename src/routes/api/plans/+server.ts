import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { createPlan } from '#lib/plans/planEdit.server.ts';
import { listPlans, PLAN_LIST } from '#lib/plans/planList.server.ts';
import {
	newPlanBody,
	onePlan,
	planSchema,
	planView,
	termsFrom
} from '#lib/plans/planView.server.ts';
import { firstTerms } from '#lib/plans/terms.ts';

export const GET = endpoint(
	{
		summary: 'List plans: of each key its last version, with all that pay any of them',
		permission: 'plans:read',
		query: pageQuery.extend({
			/** In key and name. */
			search: z.string().max(200).default(''),
			state: z.enum(['published', 'hidden', 'archived']).optional(),
			isolation: z.string().max(20).optional(),
			sort: z.enum(PLAN_LIST.sort).default('position'),
			order: z.enum(['asc', 'desc']).default('asc')
		}),
		response: z.array(planSchema)
	},
	async ({ query }) => {
		const filters = {
			...(query.state && { state: query.state }),
			...(query.isolation && { isolation: query.isolation })
		};
		const { rows, meta } = await listPlans(db, {
			q: query.search.trim(),
			sort: { key: query.sort, direction: query.order },
			filters,
			page: query.page,
			pageSize: query.page_size,
			cursor: query.cursor ?? null
		});
		return paged(rows.map(planView), meta);
	}
);

export const POST = endpoint(
	{
		summary: 'Create a plan under a new key; it is hidden until it is published',
		permission: 'plans:write',
		body: newPlanBody,
		response: planSchema,
		status: 201
	},
	async ({ body, event }) => {
		const by = actorOf(event.locals.auth!);
		const terms = termsFrom(body, firstTerms(body.isolation, body.prices[0]!));
		const { id } = await transaction((tx) =>
			createPlan(tx, { key: body.key, name: body.name, terms }, { by })
		);
		return onePlan(db, id);
	}
);
