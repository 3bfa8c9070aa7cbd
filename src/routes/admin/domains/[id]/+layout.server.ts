import { db } from '#lib/core/db.server.ts';
import { domainView } from '#lib/domains/custom/domainView.server.ts';
import { domainOfId, ourSide } from '#lib/domains/custom/staffDomain.server.ts';
import { hasSteppedUp, requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'domains:read');
	const domain = await domainOfId(db, event.params.id);
	const customer = await db.customer.findUniqueOrThrow({
		where: { id: domain.customerId },
		select: { id: true, companyName: true }
	});
	const view = await domainView(db, domain.id);
	return {
		view,
		customer,
		ours: await ourSide(db, domain),
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		may: {
			write: permissions.has('domains:write'),
			customers: permissions.has('customers:read'),
			tenants: permissions.has('tenants:read')
		},
		crumbs: [
			{ label: m.domains_title(), href: '/admin/domains' },
			{ label: view.unicode, mono: true }
		]
	};
};
