import {
	listMrrChanges,
	MOVEMENT_LIST,
	type MrrChange
} from '#lib/billing/subscriptionList.server.ts';
import { movementKind } from '#lib/billing/words.ts';
import { db } from '#lib/core/db.server.ts';
import { inMajorUnits } from '#lib/core/money.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the movements that the list's search and filters leave, in its order: the changes of each customer's MRR. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, MOVEMENT_LIST);
	const plans = await db.plan.findMany({
		orderBy: { createdAt: 'asc' },
		select: { key: true, name: true }
	});
	const planNames = new Map(plans.map(({ key, name }) => [key, name]));
	const columns: CsvColumn<MrrChange>[] = [
		{ label: m.calls_when(), value: (row) => row.at },
		{ label: 'ID', value: (row) => row.customerId },
		{ label: m.tenants_company(), value: (row) => row.companyName },
		{ label: m.tenants_email(), value: (row) => row.email },
		{ label: m.tenants_country(), value: (row) => row.country },
		{ label: m.invoice_subscription(), value: (row) => row.subscriptionId },
		{ label: m.tenants_one(), value: (row) => row.slug },
		{
			label: m.tenants_plan(),
			value: (row) => (row.planKey ? (planNames.get(row.planKey) ?? row.planKey) : row.plan)
		},
		{ label: m.billing_movement(), value: (row) => movementKind(row.kind) },
		{ label: m.billing_amount(), value: (row) => inMajorUnits(row.amount, row.currency) },
		{ label: m.mrr_file_before(), value: (row) => inMajorUnits(row.before, row.currency) },
		{ label: m.mrr_file_after(), value: (row) => inMajorUnits(row.after, row.currency) },
		{ label: m.mrr_file_heads(), value: (row) => row.customers },
		{ label: m.billing_currency(), value: (row) => row.currency.toUpperCase() }
	];
	return csvOfList('movimientos.csv', columns, (page) => listMrrChanges(db, { ...query, ...page }));
};
