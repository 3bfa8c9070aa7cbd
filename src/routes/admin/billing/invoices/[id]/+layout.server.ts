import { randomUUID } from 'node:crypto';
import { staffInvoice } from '#lib/billing/invoicePage.server.ts';
import { db } from '#lib/core/db.server.ts';
import { hasSteppedUp, requireStaff } from '#lib/identity/guard.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async (event) => {
	const { permissions, user } = requireStaff(event, 'billing:read');
	const page = await staffInvoice(db, event.params.id);
	return {
		...page,
		/** Of the next act that this page asks for: sent twice, it is one. */
		actId: randomUUID(),
		me: user.id,
		limits: await setting('billing.four_eyes_above'),
		// Of a dangerous act the question comes first, so that nothing is typed twice.
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		may: {
			write: permissions.has('billing:write'),
			refund: permissions.has('billing:refund'),
			approve: permissions.has('billing:approve'),
			customers: permissions.has('customers:read'),
			tenants: permissions.has('tenants:read')
		},
		crumbs: [
			{ label: m.admin_nav_billing(), href: '/admin/billing' },
			{ label: m.invoices(), href: '/admin/billing/invoices' },
			{ label: page.invoice.number ?? m.invoice_without_number(), mono: true }
		]
	};
};
