import { redirect } from '@sveltejs/kit';
import { transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { customerForm } from '#lib/identity/schema.ts';
import { switchCustomer } from '#lib/identity/sessions.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = (event) => {
	requireCustomer(event, 'profile:manage');
	redirect(303, '/tenant/portal');
};

export const actions: Actions = {
	default: (event) => {
		requireCustomer(event, 'profile:manage');
		return answerForm(event.request, customerForm, async ({ to }) => {
			const { auth } = event.locals;
			if (auth) await transaction((tx) => switchCustomer(tx, auth, to));
			redirect(303, '/tenant/portal');
		});
	}
};
