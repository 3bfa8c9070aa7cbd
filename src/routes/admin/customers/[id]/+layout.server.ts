import { db } from '#lib/core/db.server.ts';
import { livingOf } from '#lib/customers/deletion.server.ts';
import { findCustomer, mrrOf } from '#lib/customers/customerView.server.ts';
import { hasSteppedUp, requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'customers:read');
	const customer = await findCustomer(db, event.params.id);
	const plan = customer.planKey
		? await db.plan.findFirst({
				where: { key: customer.planKey, replacedAt: null },
				select: { name: true }
			})
		: null;
	const may = {
		write: permissions.has('customers:write'),
		delete: permissions.has('customers:delete'),
		createTenant: permissions.has('tenants:create'),
		billing: permissions.has('billing:read'),
		tenants: permissions.has('tenants:read'),
		team: permissions.has('users:read'),
		manageTeam: permissions.has('users:manage')
	};
	return {
		customer,
		planName: plan?.name ?? customer.planKey,
		mrr: may.billing ? await mrrOf(db, customer.id) : [],
		living: may.delete && !customer.erasedAt ? await livingOf(db, customer.id) : [],
		// Of a dangerous act the question comes first, so that nothing is typed twice.
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		may,
		crumbs: [
			{ label: m.admin_nav_customers_list(), href: '/admin/customers' },
			{ label: customer.companyName }
		]
	};
};
