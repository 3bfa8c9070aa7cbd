import {
	listSubscriptions,
	SUBSCRIPTION_LIST,
	type SubscriptionRow
} from '#lib/billing/subscriptionList.server.ts';
import { billingMode, subscriptionStatus } from '#lib/billing/words.ts';
import { db } from '#lib/core/db.server.ts';
import { inMajorUnits } from '#lib/core/money.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the subscriptions that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, SUBSCRIPTION_LIST);
	const columns: CsvColumn<SubscriptionRow>[] = [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.tenants_company(), value: (row) => row.companyName },
		{ label: m.tenants_email(), value: (row) => row.email },
		{ label: m.tenants_one(), value: (row) => row.slug },
		{ label: m.tenants_plan(), value: (row) => row.plan },
		{ label: m.subscription_state(), value: (row) => subscriptionStatus(row.status).label },
		{ label: m.subscription_mode(), value: (row) => billingMode(row.billingMode) },
		{ label: m.dashboard_mrr(), value: (row) => inMajorUnits(row.mrr, row.currency) },
		{ label: m.billing_currency(), value: (row) => row.currency.toUpperCase() },
		{ label: m.tenants_since(), value: (row) => row.createdAt },
		{ label: m.subscription_period_end(), value: (row) => row.currentPeriodEnd }
	];
	return csvOfList('suscripciones.csv', columns, (page) =>
		listSubscriptions(db, { ...query, ...page })
	);
};
