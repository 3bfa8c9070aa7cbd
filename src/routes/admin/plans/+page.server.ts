import { redirect } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { CURRENCY_CODES, parseAmount } from '#lib/plans/currencies.ts';
import { createPlan } from '#lib/plans/planEdit.server.ts';
import { newPlanForm } from '#lib/plans/planForms.ts';
import { listPlans, PLAN_LIST } from '#lib/plans/planList.server.ts';
import { firstTerms } from '#lib/plans/terms.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'plans:read');
	return {
		...(await listPlans(db, parseListQuery(event.url, PLAN_LIST))),
		currencies: CURRENCY_CODES,
		mayWrite: staff.permissions.has('plans:write'),
		crumbs: [{ label: m.admin_nav_plans() }]
	};
};

export const actions: Actions = {
	create: (event) => {
		requireStaff(event, 'plans:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, newPlanForm, async (input) => {
			const amount = parseAmount(input.amount, input.currency);
			if (!amount) throw new AppError('BAD_INPUT', { fields: { amount: m.plans_bad_amount() } });
			const terms = firstTerms(input.isolation, {
				...{ interval: 'month', currency: input.currency, amount }
			});
			const { id } = await transaction((tx) => createPlan(tx, { ...input, terms }, { by }));
			redirect(303, `/admin/plans/${id}`);
		});
	}
};
