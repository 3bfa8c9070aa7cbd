import { redirect } from '@sveltejs/kit';
import { clearSessionCookie } from '#lib/identity/cookies.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { logout } from '#lib/identity/login.server.ts';
import type { Actions, PageServerLoad } from './$types';

// Logging out is a post: a link in a mail or an image must not do it.
export const load: PageServerLoad = (event) => {
	publicRoute(event);
	redirect(303, '/login/tenant');
};

export const actions: Actions = {
	default: async (event) => {
		const auth = publicRoute(event);
		if (auth) await logout(auth);
		clearSessionCookie(event.cookies);
		redirect(303, auth?.side === 'staff' ? '/login/admin' : '/login/tenant');
	}
};
