import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { retryChange } from '#lib/domains/records/recordChanges.server.ts';
import { CHANGE_LIST, listChanges } from '#lib/domains/records/recordList.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'domains:read');
	return {
		...(await listChanges(db, parseListQuery(event.url, CHANGE_LIST))),
		mayWrite: staff.permissions.has('domains:write'),
		crumbs: [
			{ label: m.domains_title(), href: '/admin/domains' },
			{ label: m.domains_tab_records(), href: '/admin/domains/records' },
			{ label: m.domains_changes() }
		]
	};
};

export const actions: Actions = {
	retry: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({ id: z.uuid() }), async ({ id }) => {
			await transaction((tx) => retryChange(tx, id, by));
			return { message: m.domains_change_retried() };
		});
	}
};
