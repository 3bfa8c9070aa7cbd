import { DUNNING_LIST, listDunning, type DunningRow } from '#lib/billing/dunningList.server.ts';
import { dunningAct, dunningHeld, dunningOutcome } from '#lib/billing/dunningWords.ts';
import { subscriptionStatus } from '#lib/billing/words.ts';
import { db } from '#lib/core/db.server.ts';
import { inMajorUnits } from '#lib/core/money.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, DUNNING_LIST);
	return csvOfList('cobranza.csv', columns(), (page) => listDunning(db, { ...query, ...page }));
};

function columns(): CsvColumn<DunningRow>[] {
	return [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.tenants_company(), value: (row) => row.subscription.customer.companyName },
		{ label: m.tenants_email(), value: (row) => row.subscription.customer.email },
		{
			label: m.tenants_subdomain(),
			value: (row) => row.subscription.tenants.map(({ slug }) => slug).join(' ')
		},
		{ label: m.tenants_plan(), value: (row) => row.subscription.plan.name },
		{ label: m.dunning_state(), value: (row) => dunningOutcome(row.outcome).label },
		{
			label: m.subscription_state(),
			value: (row) => subscriptionStatus(row.subscription.status).label
		},
		{ label: m.dunning_on_hold(), value: (row) => dunningHeld(row.held) },
		{ label: m.dunning_owed(), value: (row) => inMajorUnits(row.owed, row.currency) },
		{ label: m.dunning_currency(), value: (row) => row.currency.toUpperCase() },
		{ label: m.dunning_since(), value: (row) => row.startedAt },
		{ label: m.dunning_next(), value: (row) => row.nextAct && dunningAct(row.nextAct) },
		{ label: m.dunning_next_at(), value: (row) => row.nextAt },
		{ label: m.subscription_paid_through(), value: (row) => row.subscription.paidThrough },
		{ label: m.dunning_grace_until(), value: (row) => row.graceUntil },
		{ label: m.dunning_closed_at(), value: (row) => row.closedAt },
		{ label: m.dunning_policy(), value: (row) => `${row.policy.name} v${row.policy.version}` }
	];
}
