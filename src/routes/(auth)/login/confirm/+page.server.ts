import { redirect } from '@sveltejs/kit';
import { answerForm } from '#lib/core/forms.server.ts';
import { stepUp, stepUpAsksFor } from '#lib/identity/account.server.ts';
import { localPath, requireUser } from '#lib/identity/guard.server.ts';
import { requestOrigin } from '#lib/identity/login.server.ts';
import { confirmForm } from '#lib/identity/schema.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const auth = requireUser(event);
	return { asksFor: await stepUpAsksFor(auth), email: auth.user.email };
};

export const actions: Actions = {
	default: (event) => {
		const auth = requireUser(event);
		return answerForm(event.request, confirmForm, async ({ proof }) => {
			await stepUp(auth, proof, requestOrigin(event));
			const home = auth.side === 'staff' ? '/admin' : '/tenant/portal';
			redirect(303, localPath(event.url.searchParams.get('next')) ?? home);
		});
	}
};
