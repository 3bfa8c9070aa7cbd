import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { listTenants, TENANT_FILTERS, TENANT_SORTS } from '#lib/provisioning/tenantList.server.ts';
import type { TenantView } from '#lib/provisioning/tenantView.server.ts';
import { tenantStatus, TENANT_STATUSES } from '#lib/provisioning/words.ts';
import { m } from '#i18n/paraglide/messages.js';
import { csvHeader, csvRow, type CsvColumn } from '#lib/ui/csv.ts';
import { csvResponse } from '#lib/ui/csv-response.ts';
import { MAX_PAGE_SIZE, parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'tenants:read');
	const query = parseListQuery(event.url, {
		sort: TENANT_SORTS,
		defaultSort: '-created_at',
		filters: TENANT_FILTERS
	});
	const columns = tenantColumns();
	return csvResponse('instancias.csv', csvHeader(columns), async (cursor) => {
		const page = { page: 1, pageSize: MAX_PAGE_SIZE, cursor };
		const { rows, meta } = await listTenants(db, { ...query, ...page });
		return { text: rows.map((row) => csvRow(columns, row)).join(''), next: meta.next };
	});
};

function tenantColumns(): CsvColumn<TenantView>[] {
	// Rows are written while the answer is under way, when the language of the request is not known any more.
	const words = new Map<string, string>(
		TENANT_STATUSES.map((status) => [status, tenantStatus(status).label])
	);
	return [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.tenants_subdomain(), value: (row) => row.subdomain },
		{ label: 'URL', value: (row) => row.url },
		{ label: m.tenants_company(), value: (row) => row.customer.company_name },
		{ label: m.tenants_email(), value: (row) => row.customer.email },
		{ label: m.tenants_plan(), value: (row) => row.plan },
		{
			label: m.tenants_status(),
			value: ({ status }) => words.get(status) ?? status
		},
		{ label: m.tenants_node(), value: (row) => row.node },
		{ label: 'VMID', value: (row) => row.container?.vmid },
		{ label: m.tenants_database(), value: (row) => row.database_name },
		{ label: m.tenants_since(), value: (row) => row.created_at },
		{ label: m.tenants_activated(), value: (row) => row.activated_at }
	];
}
