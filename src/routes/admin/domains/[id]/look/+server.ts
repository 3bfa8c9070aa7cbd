import { json } from '@sveltejs/kit';
import { db } from '#lib/core/db.server.ts';
import { domainOfId } from '#lib/domains/custom/staffDomain.server.ts';
import { lookNow } from '#lib/domains/doctor/watch.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import type { RequestHandler } from './$types';

/** What the DNS says of the domain now, for who watches its page. */
export const POST: RequestHandler = async (event) => {
	requireStaff(event, 'domains:read');
	const { id } = await domainOfId(db, event.params.id);
	return json(await lookNow(id));
};
