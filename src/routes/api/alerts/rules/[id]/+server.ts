import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { ruleSchema, ruleView } from '#lib/notifications/alerts/alertView.server.ts';
import { ruleBody } from '#lib/notifications/alerts/ruleForms.ts';
import { editRule, findRule, removeRule } from '#lib/notifications/alerts/rules.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{ summary: 'One rule', permission: 'notifications:read', params, response: ruleSchema },
	async ({ params }) => ruleView(await findRule(db, params.id))
);

export const PUT = endpoint(
	{
		summary: 'Change a rule; switched off, its open alerts close. 409 when it has another revision',
		permission: 'notifications:write',
		params,
		body: z.intersection(ruleBody, z.object({ revision: z.int() })),
		response: ruleSchema
	},
	async ({ params, body: { revision: seen, ...input }, event }) => {
		const by = actorOf(event.locals.auth!);
		return ruleView(await transaction((tx) => editRule(tx, params.id, { seen, input, by })));
	}
);

export const DELETE = endpoint(
	{
		summary: 'Remove a rule of your own; those of the product can only be switched off',
		permission: 'notifications:write',
		params,
		response: ruleSchema
	},
	async ({ params, event }) =>
		ruleView(await transaction((tx) => removeRule(tx, params.id, actorOf(event.locals.auth!))))
);
