import { z } from 'zod';
import { eventPage, processAgain } from '#lib/billing/eventList.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'billing:read');
	const row = await eventPage(db, idOf(event.params.id));
	return {
		event: row,
		mayProcess: staff.permissions.has('billing:write'),
		maySeeCustomers: staff.permissions.has('customers:read'),
		crumbs: [
			{ label: m.admin_nav_billing(), href: '/admin/billing' },
			{ label: m.billing_tab_events(), href: '/admin/billing/events' },
			{ label: row.eventType }
		]
	};
};

export const actions: Actions = {
	again: (event) => {
		requireStaff(event, 'billing:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await processAgain(idOf(event.params.id), by);
			return { message: m.stripe_event_again_done() };
		});
	}
};

function idOf(param: string | undefined): string {
	const id = z.uuid().safeParse(param).data;
	if (!id) throw new AppError('NOT_FOUND');
	return id;
}
