import { z } from 'zod';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import type { EndpointInput } from '#lib/identity/endpoint.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import type { CustomDomain } from '#prisma/generated/client.ts';
import { domainJson, domainSchema } from './domainJson.server.ts';
import { typedDomain } from './typedDomain.server.ts';

/** Names a domain in an address: however somebody writes it, or its id. */
export const domainParams = z.object({ domain: z.string().min(1).max(300) });

/** What an endpoint has that does something to the domain of its address. */
export const ofDomain = { params: domainParams, response: domainSchema };

type Input = EndpointInput<'domains:write', unknown, z.infer<typeof domainParams>, unknown>;

/** Does it, in one transaction with finding the domain, and answers with the domain after it. */
export function onDomain(act: (tx: Tx, domain: CustomDomain, by: Actor) => Promise<unknown>) {
	return async ({ params, event }: Pick<Input, 'params' | 'event'>) => {
		const by = actorOf(event.locals.auth!);
		const id = await transaction(async (tx) => {
			const domain = await typedDomain(tx, params.domain);
			await act(tx, domain, by);
			return domain.id;
		});
		return domainJson(db, id);
	};
}
