import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { requestOrigin } from '#lib/identity/login.server.ts';
import { changeEmail } from '#lib/identity/people.server.ts';
import { person } from '#lib/identity/schema.ts';

export const PATCH = endpoint(
	{
		summary: 'Give a person another address to log in with; both addresses are told by mail',
		permission: 'users:manage',
		params: z.object({ id: z.uuid() }),
		body: z.object({ email: z.email().max(254) }),
		response: person,
		stepUp: true
	},
	async ({ params, body, event }) => {
		await transaction((tx) =>
			changeEmail(tx, params.id, body.email, event.locals.auth!, requestOrigin(event))
		);
		const user = await db.user.findUniqueOrThrow({ where: { id: params.id } });
		return { id: user.id, email: user.email, full_name: user.fullName, locale: user.locale };
	}
);
