import { z } from 'zod';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { loginRole, person } from '#lib/identity/schema.ts';

export const GET = endpoint(
	{
		summary: 'Who I am and what I may do',
		permission: 'user',
		response: z.object({
			user: person,
			role: loginRole,
			/** Key of the role, such as `administrator` or `owner`. */
			role_key: z.string(),
			permissions: z.array(z.string()),
			customer: z.object({ id: z.uuid(), company_name: z.string() }).nullable(),
			session: z.object({ created_at: z.date(), expires_at: z.date() }).nullable()
		})
	},
	({ actor }) => {
		const { id, email, fullName, locale } = actor.user;
		const { customer, session } = actor;
		return {
			user: { id, email, full_name: fullName, locale },
			role: actor.side === 'staff' ? ('admin' as const) : ('tenant' as const),
			role_key: actor.role,
			permissions: [...actor.permissions.keys()].sort(),
			customer: customer && { id: customer.id, company_name: customer.companyName },
			session: session && { created_at: session.createdAt, expires_at: session.expiresAt }
		};
	}
);
