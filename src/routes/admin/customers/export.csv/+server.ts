import { db } from '#lib/core/db.server.ts';
import {
	CUSTOMER_LIST,
	listCustomerRows,
	type CustomerRow
} from '#lib/customers/customerList.server.ts';
import { customerStatus } from '#lib/customers/words.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { csvHeader, csvRow, type CsvColumn } from '#lib/ui/csv.ts';
import { csvResponse } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Rows that are in memory at once: a hundred thousand customers are a hundred looks. */
const BATCH = 1_000;

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'customers:read');
	const query = parseListQuery(event.url, CUSTOMER_LIST);
	const columns = customerColumns();
	return csvResponse('clientes.csv', csvHeader(columns), async (cursor) => {
		const page = { page: 1, pageSize: BATCH, cursor };
		const { rows, meta } = await listCustomerRows(db, { ...query, ...page });
		return { text: rows.map((row) => csvRow(columns, row)).join(''), next: meta.next };
	});
};

function customerColumns(): CsvColumn<CustomerRow>[] {
	return [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.customer_field_company_name(), value: (row) => row.companyName },
		{ label: m.customer_field_full_name(), value: (row) => row.fullName },
		{ label: m.customer_field_email(), value: (row) => row.email },
		{ label: m.customer_field_phone(), value: (row) => row.phone },
		{ label: m.customer_field_country(), value: (row) => row.country },
		{ label: m.customer_field_tax_id(), value: (row) => row.taxId },
		{ label: m.tenants_plan(), value: (row) => row.planKey },
		{ label: m.tenants_status(), value: (row) => customerStatus(row.status).label },
		{ label: m.tenants_since(), value: (row) => row.createdAt }
	];
}
