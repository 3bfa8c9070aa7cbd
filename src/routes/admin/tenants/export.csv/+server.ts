import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { listTenants, TENANT_LIST } from '#lib/provisioning/tenantList.server.ts';
import type { TenantView } from '#lib/provisioning/tenantView.server.ts';
import { isTenantStatus, tenantStatus } from '#lib/provisioning/words.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'tenants:read');
	const query = parseListQuery(event.url, TENANT_LIST);
	return csvOfList('instancias.csv', tenantColumns(), (page) =>
		listTenants(db, { ...query, ...page })
	);
};

function tenantColumns(): CsvColumn<TenantView>[] {
	return [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.tenants_subdomain(), value: (row) => row.subdomain },
		{ label: 'URL', value: (row) => row.url },
		{ label: m.tenants_company(), value: (row) => row.customer.company_name },
		{ label: m.tenants_email(), value: (row) => row.customer.email },
		{ label: m.tenants_plan(), value: (row) => row.plan },
		{
			label: m.tenants_status(),
			value: (row) => (isTenantStatus(row.status) ? tenantStatus(row.status).label : row.status)
		},
		{ label: m.tenants_node(), value: (row) => row.node },
		{ label: 'VMID', value: (row) => row.container?.vmid },
		{ label: m.tenants_database(), value: (row) => row.database_name },
		{ label: m.tenants_since(), value: (row) => row.created_at },
		{ label: m.tenants_activated(), value: (row) => row.activated_at }
	];
}
