import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	searchCustomers,
	searchDomains,
	searchInvoiceNumbers,
	searchTenants
} from '#lib/provisioning/search.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { PageServerLoad } from './$types';

const LONGEST = 200;

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'tenants:read');
	const q = (event.url.searchParams.get('q') ?? '').trim().toLowerCase().slice(0, LONGEST);
	return {
		q,
		rows: q ? await searchTenants(db, q) : [],
		customers: q && permissions.has('customers:read') ? await searchCustomers(db, q) : [],
		invoices: q && permissions.has('billing:read') ? await searchInvoiceNumbers(db, q) : [],
		domains: q && permissions.has('domains:read') ? await searchDomains(db, q) : [],
		crumbs: [{ label: m.ui_search() }]
	};
};
