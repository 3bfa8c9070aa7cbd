import { redirect } from '@sveltejs/kit';
import { answerForm } from '#lib/core/forms.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { setSessionCookie } from '#lib/identity/cookies.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import {
	joinAsLoggedIn,
	joinAsNew,
	joinByPassword,
	openInvitation,
	type OpenedInvitation
} from '#lib/identity/invitationsAccept.server.ts';
import { requestOrigin } from '#lib/identity/login.server.ts';
import { joinKnownForm, joinNewForm } from '#lib/identity/memberForms.ts';
import { z } from 'zod';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const auth = publicRoute(event);
	const invitation = await openInvitation(event.params.token, event.locals).catch(
		(error: unknown): OpenedInvitation | null => {
			if (error instanceof AppError && error.code === 'LINK_EXPIRED') return null;
			throw error;
		}
	);
	if (!invitation) return { invitation: null, me: null };
	const { state, email, company, role, by, expiresAt, person, secondFactor } = invitation;
	return {
		invitation: { state, email, company, role, by, expiresAt, person, secondFactor },
		me: auth && !auth.secondFactorMissing ? auth.user.email : null
	};
};

export const actions: Actions = {
	/** A new person sets name and password. */
	join: (event) => {
		publicRoute(event);
		return answerForm(event.request, joinNewForm, async ({ full_name, password }) => {
			const invitation = await openInvitation(event.params.token, event.locals);
			const given = { fullName: full_name, password };
			const { token, expiresAt } = await joinAsNew(invitation, given, requestOrigin(event));
			setSessionCookie(event.cookies, token, expiresAt);
			redirect(303, '/tenant/portal');
		});
	},
	/** A known person logs in and joins. */
	enter: (event) => {
		publicRoute(event);
		return answerForm(event.request, joinKnownForm, async (given) => {
			const invitation = await openInvitation(event.params.token, event.locals);
			const { token, expiresAt } = await joinByPassword(invitation, given, requestOrigin(event));
			setSessionCookie(event.cookies, token, expiresAt);
			redirect(303, '/tenant/portal');
		});
	},
	/** Who is logged in joins with one click. */
	accept: (event) => {
		const auth = publicRoute(event);
		return answerForm(event.request, z.object({}), async () => {
			if (!auth || auth.secondFactorMissing) throw new AppError('NOT_LOGGED_IN');
			const invitation = await openInvitation(event.params.token, event.locals);
			await joinAsLoggedIn(invitation, auth);
			redirect(303, auth.side === 'customer' ? '/tenant/portal' : '/login/tenant');
		});
	}
};
