import { type Cookies, type RequestEvent, redirect } from '@sveltejs/kit';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import {
	challengeCookie,
	clearChallengeCookie,
	setChallengeCookie,
	setSessionCookie
} from './cookies.server.ts';
import { localPath } from './guard.server.ts';
import {
	type LoggedIn,
	type LoginRole,
	SET_UP_SECOND_FACTOR,
	answerChallenge,
	challenge,
	login,
	requestOrigin
} from './login.server.ts';
import { codeForm, loginForm } from './schema.ts';

/** The action of both logins: in, or on to the second factor. */
export function logInByForm(event: RequestEvent, role: LoginRole) {
	return answerForm(event.request, loginForm, async (given) => {
		const from = requestOrigin(event);
		const next = localPath(event.url.searchParams.get('next'));
		try {
			enter(event.cookies, await login({ ...given, role }, from), next);
		} catch (error) {
			if (!(error instanceof AppError) || error.code !== 'SECOND_FACTOR_NEEDED') throw error;
		}
		const { value, expiresAt } = await challenge({ ...given, role }, from);
		setChallengeCookie(event.cookies, value, expiresAt);
		redirect(303, secondFactorPath(next));
	});
}

/** The action of the second page. */
export function answerByForm(event: RequestEvent) {
	return answerForm(event.request, codeForm, async ({ code }) => {
		const done = await answerChallenge(
			event.cookies.get(challengeCookie()),
			code,
			requestOrigin(event)
		);
		clearChallengeCookie(event.cookies);
		enter(event.cookies, done, localPath(event.url.searchParams.get('next')));
	});
}

function enter(cookies: Cookies, done: LoggedIn, next: string | null): never {
	setSessionCookie(cookies, done.token, done.expiresAt);
	if (done.redirectUrl === SET_UP_SECOND_FACTOR) redirect(303, secondFactorPath(next));
	redirect(303, next ?? done.redirectUrl);
}

function secondFactorPath(next: string | null): string {
	return next ? `${SET_UP_SECOND_FACTOR}?next=${encodeURIComponent(next)}` : SET_UP_SECOND_FACTOR;
}
