import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { domainsOf } from '#lib/domains/custom/staffDomain.server.ts';
import { customerHosts } from '#lib/provisioning/customerHosts.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'customers:read');
	const { id } = await findCustomer(db, event.params.id);
	return {
		hosts: await customerHosts(db, id),
		domains: await domainsOf(db, { customerId: id }),
		at: now().getTime(),
		mayOpen: permissions.has('domains:read'),
		mayAdd: permissions.has('domains:write')
	};
};
