import {
	listMovements,
	MOVEMENT_LIST,
	type MovementRow
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

/** Exactly the movements that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, MOVEMENT_LIST);
	const columns: CsvColumn<MovementRow>[] = [
		{ label: m.calls_when(), value: (row) => row.at },
		{ label: m.tenants_company(), value: (row) => row.subscription.customer.companyName },
		{ label: m.tenants_email(), value: (row) => row.subscription.customer.email },
		{ label: m.tenants_one(), value: (row) => row.subscription.tenants[0]?.slug },
		{ label: m.tenants_plan(), value: (row) => row.subscription.plan.name },
		{ label: m.billing_movement(), value: (row) => movementKind(row.kind) },
		{ label: m.billing_amount(), value: (row) => inMajorUnits(row.amount, row.currency) },
		{ label: m.billing_currency(), value: (row) => row.currency.toUpperCase() }
	];
	return csvOfList('movimientos.csv', columns, (page) => listMovements(db, { ...query, ...page }));
};
