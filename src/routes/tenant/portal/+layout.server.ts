import { dunningViews } from '#lib/billing/dunningViews.server.ts';
import { stripeAge } from '#lib/billing/stripeAge.server.ts';
import { asCustomer, transaction } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { companiesOf } from '#lib/identity/members.server.ts';
import { openMigrations } from '#lib/provisioning/moves/openMigrations.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async (event) => {
	const { user, customerId, scope, permissions } = requireCustomer(event, 'profile:manage');
	const companies = await transaction((tx) => companiesOf(tx, user.id));
	return {
		platform: await setting('general.platform_name'),
		contact: await setting('general.contact_address'),
		person: { name: user.fullName, email: user.email },
		company: {
			id: customerId,
			name: companies.find(({ id }) => id === customerId)?.name ?? ''
		},
		otherCompanies: companies.filter(({ id }) => id !== customerId),
		// Shown above every page, until it is paid.
		late: permissions.has('invoices:read')
			? await asCustomer(scope, (tx) => dunningViews(tx, { customerId, open: true }))
			: [],
		moving: permissions.has('instance:read')
			? await asCustomer(scope, (tx) => openMigrations(tx, customerId))
			: [],
		stripeAge: await stripeAge(),
		may: [...permissions.keys()]
	};
};
