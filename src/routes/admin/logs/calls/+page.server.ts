import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { CALL_LIST, calledVendors, listCalls } from '#lib/logs/callList.server.ts';
import { retryCall, retryWays } from '#lib/provisioning/retryCall.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'logs:read');
	const query = parseListQuery(event.url, CALL_LIST);
	const { rows, meta } = await listCalls(db, query);
	const ways = await retryWays(db, rows);
	return {
		calls: rows.map((call) => ({ ...call, way: ways.get(call.id) })),
		meta,
		vendors: await calledVendors(db),
		mayRetry: staff.permissions.has('vendors:retry'),
		crumbs: [{ label: m.admin_nav_logs(), href: '/admin/logs' }, { label: m.tenant_tab_calls() }]
	};
};

export const actions: Actions = {
	retry: (event) => {
		requireStaff(event, 'vendors:retry');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({ call: z.uuid() }), async ({ call }) => {
			await transaction((tx) => retryCall(tx, call, { by }));
			return { message: m.call_retry_done() };
		});
	}
};
