import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { nameState } from '#lib/provisioning/reservations.server.ts';
import { slugSentence } from '#lib/provisioning/schema.ts';

export const GET = endpoint(
	{
		summary: 'Whether a subdomain could be had now',
		permission: 'public',
		query: z.object({ subdomain: z.string().trim().toLowerCase().max(100) }),
		response: z.object({
			subdomain: z.string(),
			available: z.boolean(),
			detail: z.string().nullable()
		})
	},
	async ({ query }) => {
		const state = await nameState(db, query.subdomain);
		const sentences = {
			free: null,
			taken: new AppError('NAME_TAKEN').sentence,
			reserved: new AppError('NAME_RESERVED').sentence,
			bad: slugSentence(query.subdomain)
		};
		return { subdomain: query.subdomain, available: state === 'free', detail: sentences[state] };
	}
);
