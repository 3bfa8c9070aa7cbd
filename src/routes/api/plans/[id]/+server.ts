import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { editWords, findPlan, newVersion } from '#lib/plans/planEdit.server.ts';
import {
	changePlanBody,
	onePlan,
	planSchema,
	saysWords,
	termsFrom,
	wordsFrom
} from '#lib/plans/planView.server.ts';
import { ordered, termChanges, termsOf } from '#lib/plans/terms.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{
		summary: 'One version of a plan',
		permission: 'plans:read',
		params,
		response: planSchema
	},
	({ params }) => onePlan(db, params.id)
);

export const PATCH = endpoint(
	{
		summary:
			'Change a plan: words in place; anything that people pay for makes a new version, whose id is another one',
		permission: 'plans:write',
		params,
		body: changePlanBody,
		response: planSchema
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const id = await transaction(async (tx) => {
			const before = await findPlan(tx, params.id);
			if (before.revision !== body.revision) throw new AppError('CHANGED_MEANWHILE');
			const words = wordsFrom(body, before);
			const plan = saysWords(body) ? await editWords(tx, params.id, words, { by }) : before;
			const terms = ordered(termsFrom(body, termsOf(before)));
			if (termChanges(termsOf(before), terms).length === 0) return plan.id;
			const next = await newVersion(tx, plan.id, terms, { by, seen: plan.revision });
			return next.id;
		});
		return onePlan(db, id);
	}
);
