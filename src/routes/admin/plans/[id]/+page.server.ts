import { fail, redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { amountText, CURRENCY_CODES, isCurrency } from '#lib/plans/currencies.ts';
import { readDifferences } from '#lib/plans/drift.ts';
import {
	archivePlan,
	askStripe,
	editWords,
	findPlan,
	newVersion,
	restorePlan,
	reviewTerms
} from '#lib/plans/planEdit.server.ts';
import { termsForm, wordsForm } from '#lib/plans/planForms.ts';
import { planHistory } from '#lib/plans/history.server.ts';
import { planState, versionsOf } from '#lib/plans/planList.server.ts';
import { termsOf } from '#lib/plans/terms.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'plans:read');
	const plan = await planOf(event.params.id);
	const versions = await versionsOf(db, [plan.key]);
	const own = versions.find(({ id }) => id === plan.id)!;
	return {
		plan: { ...plan, state: planState(plan), mirror: own.mirror },
		differences: readDifferences(plan.stripeDifferences),
		terms: termsOf(plan),
		/** As the inputs show them. */
		amounts: Object.fromEntries(
			plan.prices.flatMap(({ interval, currency, amount }) =>
				isCurrency(currency)
					? [[`price.${interval}.${currency}`, amountText(amount, currency)]]
					: []
			)
		),
		baseDomains: await db.baseDomain.findMany({
			orderBy: [{ isDefault: 'desc' }, { name: 'asc' }],
			select: { id: true, name: true, isDefault: true }
		}),
		versions,
		isLast: versions[0]?.id === plan.id,
		currencies: CURRENCY_CODES,
		history: staff.permissions.has('audit:read')
			? await planHistory(db, plan.key, event.locals.locale)
			: null,
		mayWrite: staff.permissions.has('plans:write'),
		crumbs: [
			{ label: m.admin_nav_plans(), href: '/admin/plans' },
			{ label: `${plan.name} v${plan.version}` }
		]
	};
};

function planOf(id: string) {
	if (!z.uuid().safeParse(id).success)
		throw new AppError('PLAN_NOT_FOUND', { params: { key: id } });
	return findPlan(db, id);
}

const seen = z.object({ revision: z.coerce.number().int() });
const confirmed = seen.extend({ confirm: z.string().trim().optional() });

export const actions: Actions = {
	words: (event) => {
		requireStaff(event, 'plans:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, wordsForm, async (words) => {
			await transaction((tx) => editWords(tx, event.params.id, words, { by }));
			return { message: m.plans_saved() };
		});
	},
	/** Shows what other terms would do; the same terms sent once more are a new version. */
	terms: async (event) => {
		requireStaff(event, 'plans:write');
		const by = actorOf(event.locals.auth!);
		const form = await event.request.clone().formData();
		return answerForm(event.request, termsForm, async ({ terms, revision, reviewed }) => {
			const review = await reviewTerms(db, event.params.id, terms);
			if (review.changes.length === 0)
				throw new AppError('BAD_INPUT', { fields: { terms: m.plans_nothing_changes() } });
			const values = Object.fromEntries(
				[...form].filter((pair): pair is [string, string] => typeof pair[1] === 'string')
			);
			if (reviewed !== review.reviewed) return fail(409, { review, values });
			const next = await transaction((tx) =>
				newVersion(tx, event.params.id, terms, { by, seen: revision })
			);
			redirect(303, `/admin/plans/${next.id}`);
		});
	},
	archive: (event) => {
		requireStaff(event, 'plans:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, confirmed, async ({ revision, confirm }) => {
			await transaction(async (tx) => {
				const { key } = await findPlan(tx, event.params.id);
				if (confirm !== key)
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.ui_type_to_confirm({ name: key }) }
					});
				await archivePlan(tx, event.params.id, { by, seen: revision });
			});
			return { message: m.plans_archived() };
		});
	},
	restore: (event) => {
		requireStaff(event, 'plans:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, seen, async ({ revision }) => {
			await transaction((tx) => restorePlan(tx, event.params.id, { by, seen: revision }));
			return { message: m.plans_restored() };
		});
	},
	check: (event) => {
		requireStaff(event, 'plans:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await transaction((tx) => askStripe(tx, event.params.id, 'check', { by }));
			return { message: m.plans_check_asked() };
		});
	},
	repair: (event) => {
		requireStaff(event, 'plans:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await transaction((tx) => askStripe(tx, event.params.id, 'repair', { by }));
			return { message: m.plans_repair_asked() };
		});
	}
};
