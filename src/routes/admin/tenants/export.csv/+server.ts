import { db } from '#lib/core/db.server.ts';
import { publicUrl } from '#lib/domains/base/baseDomains.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	listTenantRows,
	TENANT_LIST,
	type TenantRow
} from '#lib/provisioning/tenantList.server.ts';
import { isBelow, shareOf } from '#lib/provisioning/uptime/uptime.ts';
import { uptimeVerdict } from '#lib/provisioning/uptime/uptimeWords.ts';
import { tenantStatus } from '#lib/provisioning/words.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'tenants:read');
	const query = parseListQuery(event.url, TENANT_LIST);
	const columns = [...tenantColumns(), ...(isBelow(query.filters.uptime) ? uptimeColumns() : [])];
	return csvOfList('instancias.csv', columns, (page) => listTenantRows(db, { ...query, ...page }));
};

function uptimeColumns(): CsvColumn<TenantRow>[] {
	return [
		{ label: m.uptime_column(), value: (row) => row.uptime && shareOf(row.uptime) },
		{
			label: m.uptime_filter(),
			value: (row) => row.uptime && uptimeVerdict(row.uptime.verdict).label
		}
	];
}

function tenantColumns(): CsvColumn<TenantRow>[] {
	return [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.tenants_subdomain(), value: (row) => row.subdomain },
		{ label: 'URL', value: (row) => publicUrl(row.subdomain, row.baseDomain) },
		{ label: m.tenants_company(), value: (row) => row.companyName },
		{ label: m.tenants_email(), value: (row) => row.email },
		{ label: m.tenants_plan(), value: (row) => row.planKey },
		{
			label: m.tenants_status(),
			value: (row) => tenantStatus(row.status).label
		},
		{ label: m.tenants_node(), value: (row) => row.node },
		{ label: 'VMID', value: (row) => row.vmid },
		{ label: m.tenants_database(), value: (row) => row.databaseName },
		{ label: m.tenants_since(), value: (row) => row.createdAt },
		{ label: m.tenants_activated(), value: (row) => row.activatedAt }
	];
}
