import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { DOMAIN_LIST, listDomainRows } from '#lib/domains/custom/domainList.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'domains:read');
	const query = parseListQuery(event.url, DOMAIN_LIST);
	const bases = await db.baseDomain.findMany({
		orderBy: { name: 'asc' },
		select: { name: true }
	});
	return {
		...(await listDomainRows(db, query)),
		bases: bases.map(({ name }) => name),
		/** What is left of a certificate is counted from here, the same on the server and in the browser. */
		at: now().getTime(),
		only: await onlyOf(query.filters.customer),
		mayWrite: permissions.has('domains:write'),
		crumbs: [{ label: m.domains_title() }]
	};
};

/** The company that the list was opened for. */
async function onlyOf(id: string | undefined): Promise<string | null> {
	if (!id || !z.uuid().safeParse(id).success) return null;
	const customer = await db.customer.findUnique({
		where: { id },
		select: { companyName: true }
	});
	return customer?.companyName ?? null;
}
