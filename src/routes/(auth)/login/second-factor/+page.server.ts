import { redirect } from '@sveltejs/kit';
import { transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { challengeCookie } from '#lib/identity/cookies.server.ts';
import { localPath, publicRoute } from '#lib/identity/guard.server.ts';
import { requestOrigin } from '#lib/identity/login.server.ts';
import { answerByForm } from '#lib/identity/loginPages.server.ts';
import { codeForm } from '#lib/identity/schema.ts';
import { beginTotp, enableTotp } from '#lib/identity/totp.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const auth = publicRoute(event);
	// Staff who have none yet set it up here, before anything else.
	if (auth?.secondFactorMissing)
		return { mode: 'setup' as const, enrolment: await beginTotp(auth) };
	if (event.cookies.get(challengeCookie())) return { mode: 'code' as const };
	if (!auth) redirect(303, '/login/tenant');
	const home = auth.side === 'staff' ? '/admin' : '/tenant/portal';
	return { mode: 'done' as const, next: localPath(event.url.searchParams.get('next')) ?? home };
};

export const actions: Actions = {
	answer: (event) => {
		publicRoute(event);
		return answerByForm(event);
	},
	enable: (event) => {
		const auth = publicRoute(event);
		return answerForm(event.request, codeForm, async ({ code }) => {
			if (!auth?.secondFactorMissing) throw new AppError('NOT_LOGGED_IN');
			const recoveryCodes = await transaction((tx) =>
				enableTotp(tx, auth, code, requestOrigin(event))
			);
			// The page that answers this post loads with the same locals.
			event.locals.auth = { ...auth, secondFactorMissing: false };
			return { recoveryCodes };
		});
	}
};
