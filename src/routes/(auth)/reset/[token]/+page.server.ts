import { openPasswordLink } from '#lib/identity/account.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { answerNewPassword } from '#lib/identity/passwordLinkPage.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	return openPasswordLink(event.params.token, event.locals);
};

export const actions: Actions = {
	default: (event) => {
		publicRoute(event);
		return answerNewPassword(event);
	}
};
