import { z } from 'zod';
import { setSessionCookie } from '#lib/identity/cookies.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { login, requestOrigin } from '#lib/identity/login.server.ts';
import { loginRole, person } from '#lib/identity/schema.ts';

export const POST = endpoint(
	{
		summary: 'Log in and receive the session cookie',
		permission: 'public',
		body: z.object({
			email: z.string().trim().min(1).max(254),
			password: z.string().min(1).max(1_000),
			role: loginRole,
			/** Code of the authenticator application, or a recovery code. */
			totp: z.string().max(20).optional()
		}),
		response: z.object({
			user: person,
			role: loginRole,
			redirect_url: z.string(),
			expires_at: z.date()
		}),
		idempotent: false
	},
	async ({ body, event }) => {
		const { token, expiresAt, user, role, redirectUrl } = await login(body, requestOrigin(event));
		setSessionCookie(event.cookies, token, expiresAt);
		const { id, email, fullName, locale } = user;
		return {
			user: { id, email, full_name: fullName, locale },
			role,
			redirect_url: redirectUrl,
			expires_at: expiresAt
		};
	}
);
