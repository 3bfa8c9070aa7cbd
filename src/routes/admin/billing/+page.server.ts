import { moneyOverview } from '#lib/billing/figureOverview.server.ts';
import { parseFigureRange } from '#lib/billing/figureRange.ts';
import { now } from '#lib/core/clock.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'billing:read');
	const range = parseFigureRange(event.url.searchParams);
	return {
		range,
		overview: await moneyOverview(range, now()),
		crumbs: [{ label: m.admin_nav_billing() }]
	};
};
