import { z } from 'zod';
import { clearSessionCookie } from '#lib/identity/cookies.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { logout } from '#lib/identity/login.server.ts';

export const POST = endpoint(
	{
		summary: 'End this session',
		permission: 'user',
		response: z.object({ logged_out: z.literal(true) }),
		idempotent: false
	},
	async ({ actor, event }) => {
		await logout(actor);
		clearSessionCookie(event.cookies);
		return { logged_out: true as const };
	}
);
