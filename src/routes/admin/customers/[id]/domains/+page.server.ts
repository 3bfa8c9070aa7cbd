import { db } from '#lib/core/db.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { customerHosts } from '#lib/provisioning/customerHosts.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'customers:read');
	const { id } = await findCustomer(db, event.params.id);
	return { hosts: await customerHosts(db, id) };
};
