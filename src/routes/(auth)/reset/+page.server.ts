import { answerForm } from '#lib/core/forms.server.ts';
import { requestReset } from '#lib/identity/account.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { requestOrigin } from '#lib/identity/login.server.ts';
import { resetForm } from '#lib/identity/schema.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = (event) => {
	publicRoute(event);
};

export const actions: Actions = {
	default: (event) => {
		publicRoute(event);
		return answerForm(event.request, resetForm, async ({ email }) => {
			await requestReset(email, requestOrigin(event));
			return { sentTo: email };
		});
	}
};
