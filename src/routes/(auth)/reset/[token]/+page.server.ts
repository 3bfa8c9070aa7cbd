import { redirect } from '@sveltejs/kit';
import { answerForm } from '#lib/core/forms.server.ts';
import { openPasswordLink, setPasswordByLink } from '#lib/identity/account.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { requestOrigin } from '#lib/identity/login.server.ts';
import { newPasswordForm } from '#lib/identity/schema.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	return openPasswordLink(event.params.token, event.locals);
};

export const actions: Actions = {
	default: (event) => {
		publicRoute(event);
		return answerForm(event.request, newPasswordForm, async ({ password }) => {
			const { side } = await setPasswordByLink(event.params.token, password, requestOrigin(event));
			redirect(303, `/login/${side}?changed`);
		});
	}
};
