import { redirect } from '@sveltejs/kit';
import { m } from '#i18n/paraglide/messages.js';
import { getLocale } from '#i18n/paraglide/runtime.js';
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
	// Without scripts the form itself leads here: the way to another host must be a new one, and not a redirect of the form.
	if (event.url.searchParams.has('form')) return goOn(url);
	redirect(303, url);
};

function goOn(url: string): Response {
	const title = m.signup_continue_title();
	const html = `<!doctype html><html lang="${getLocale()}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title></head><body><main><h1>${escape(title)}</h1><p><a href="${escape(url)}">${escape(m.signup_continue_link())}</a></p></main></body></html>`;
	return new Response(html, {
		headers: {
			'content-type': 'text/html; charset=utf-8',
			'cache-control': 'no-store',
			refresh: `0; url=${url}`
		}
	});
}

function escape(text: string): string {
	return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
