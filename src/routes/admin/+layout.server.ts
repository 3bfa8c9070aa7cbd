import { m } from '#i18n/paraglide/messages.js';
import { stripeAge } from '#lib/billing/stripeAge.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async (event) => {
	// Everybody of the staff has it; each page asks for its own.
	const staff = requireStaff(event, 'profile:manage');
	return {
		platform: await setting('general.platform_name'),
		person: { name: staff.user.fullName, detail: staff.user.email },
		permissions: [...staff.permissions],
		// Shown above what is a mirror of Stripe.
		stripeAge: await stripeAge(),
		crumbs: [{ label: m.admin_nav_dashboard(), href: '/admin' }]
	};
};
