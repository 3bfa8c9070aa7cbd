import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { asCustomer, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { removeMember } from '#lib/identity/membersChange.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = (event) => {
	requireCustomer(event, 'profile:manage');
};

const form = z.object({ confirm: z.string().trim().max(200) });

export const actions: Actions = {
	default: (event) => {
		const { customerId, permissions, scope, user } = requireCustomer(event, 'profile:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: permissions };
		return answerForm(event.request, form, async ({ confirm }) => {
			const own = await asCustomer(scope, (tx) =>
				tx.membership.findFirst({
					where: { customerId, userId: user.id },
					select: { id: true, customer: { select: { companyName: true } } }
				})
			);
			if (!own) throw new AppError('NOT_FOUND');
			const name = own.customer.companyName;
			if (confirm !== name.trim())
				throw new AppError('BAD_INPUT', {
					fields: { confirm: m.tenant_confirm_differs({ name }) }
				});
			await transaction((tx) => removeMember(tx, { customerId, membershipId: own.id }, actor));
			redirect(303, '/login/tenant');
		});
	}
};
