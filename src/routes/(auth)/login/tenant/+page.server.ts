import { redirectLoggedIn } from '#lib/identity/admission.server.ts';
import { localPath, publicRoute } from '#lib/identity/guard.server.ts';
import { logInByForm } from '#lib/identity/loginPages.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = (event) => {
	const auth = publicRoute(event);
	redirectLoggedIn(auth, 'tenant', localPath(event.url.searchParams.get('next')));
};

export const actions: Actions = {
	default: (event) => {
		publicRoute(event);
		return logInByForm(event, 'tenant');
	}
};
