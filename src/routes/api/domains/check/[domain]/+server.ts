import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { usable } from '#lib/domains/custom/typedDomain.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary:
			'Whether a name can be added as a domain, and what it is: apex or not, its www, the registered domain',
		permission: 'domains:read',
		params: z.object({ domain: z.string().min(1).max(300) }),
		response: z.object({
			/** In punycode; what was asked for where it is no name. */
			domain: z.string(),
			unicode: z.string(),
			available: z.boolean(),
			/** empty, not_a_name, ip_address, wildcard, single_label, too_long, public_suffix, own_name, reserved or taken. */
			reason: z.string().nullable(),
			/** The same in the language of the request. */
			sentence: z.string().nullable(),
			apex: z.boolean(),
			/** The www of an apex, or the apex of a www. */
			sibling: z.string().nullable(),
			registrable: z.string().nullable(),
			/** A customer of ours has proven that it is theirs; whose is not said. */
			taken_by_us: z.boolean()
		})
	},
	async ({ params }) => {
		const { takenByUs, ...found } = await usable(db, params.domain);
		return { ...found, taken_by_us: takenByUs };
	}
);
