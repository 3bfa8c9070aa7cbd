import { redirect, type RequestEvent } from '@sveltejs/kit';
import { answerForm } from '#lib/core/forms.server.ts';
import { setPasswordByLink } from './account.server.ts';
import { requestOrigin } from './login.server.ts';
import { newPasswordForm } from './schema.ts';

/** Answers the form behind a mailed link, the first or a later one: sets the password, then asks to log in with it. */
export function answerNewPassword(event: RequestEvent<{ token: string }>) {
	return answerForm(event.request, newPasswordForm, async ({ password }) => {
		const { side } = await setPasswordByLink(event.params.token, password, requestOrigin(event));
		redirect(303, `/login/${side}?changed`);
	});
}
