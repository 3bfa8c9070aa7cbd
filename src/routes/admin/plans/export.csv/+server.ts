import { db } from '#lib/core/db.server.ts';
import { inMajorUnits } from '#lib/core/money.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { mirrorBadge, planStateBadge } from '#lib/plans/planAdminWords.ts';
import { listPlans, PLAN_LIST, type PlanRow } from '#lib/plans/planList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'plans:read');
	const query = parseListQuery(event.url, PLAN_LIST);
	return csvOfList('planes.csv', planColumns(), (page) => listPlans(db, { ...query, ...page }));
};

function planColumns(): CsvColumn<PlanRow>[] {
	return [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.plans_key(), value: (row) => row.key },
		{ label: m.plans_version(), value: (row) => row.version },
		{ label: m.plans_name(), value: (row) => row.name },
		{ label: m.plans_isolation(), value: (row) => row.isolation },
		{ label: m.plans_cpu(), value: (row) => row.cpuCores },
		{ label: 'RAM MB', value: (row) => row.ramMb },
		{ label: 'GB', value: (row) => row.diskGb },
		{
			label: m.plans_prices(),
			value: (row) =>
				row.prices
					.map(
						({ amount, currency, interval }) =>
							`${inMajorUnits(amount, currency)} ${currency.toUpperCase()}/${interval}`
					)
					.join('; ')
		},
		{ label: m.plans_payers(), value: (row) => row.customers },
		{
			label: 'MRR',
			value: (row) =>
				row.mrr
					.map(
						({ amount, currency }) => `${inMajorUnits(amount, currency)} ${currency.toUpperCase()}`
					)
					.join('; ')
		},
		{ label: m.plans_state(), value: (row) => planStateBadge(row.state).label },
		{ label: 'Stripe', value: (row) => mirrorBadge(row.mirror).label },
		{ label: m.plans_seen_at(), value: (row) => row.stripeCheckedAt }
	];
}
