import { redirect } from '@sveltejs/kit';
import { unsign } from '#lib/core/crypto.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { rememberSignup, signupOf } from '#lib/provisioning/signupCookie.server.ts';
import { continueSignup } from '#lib/provisioning/signups.server.ts';
import type { RequestHandler } from './$types';

/** Goes on to Checkout: with the signed link of a mail, or for the browser that began the signup. */
export const GET: RequestHandler = async (event) => {
	publicRoute(event);
	const link = event.url.searchParams.get('s');
	const signupId = link ? unsign(link, 'payment-link') : signupOf(event.cookies);
	if (!signupId) throw new AppError('LINK_EXPIRED');
	const { url } = await continueSignup(signupId);
	rememberSignup(event.cookies, signupId);
	redirect(303, url);
};
