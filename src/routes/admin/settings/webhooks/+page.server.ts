import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { addEndpoint } from '#lib/notifications/webhooks/endpoints.server.ts';
import { webhookForm } from '#lib/notifications/webhooks/webhookForms.ts';
import { listEndpoints, WEBHOOK_LIST } from '#lib/notifications/webhooks/webhookList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'settings:read');
	return {
		...(await listEndpoints(db, parseListQuery(event.url, WEBHOOK_LIST))),
		mayWrite: staff.permissions.has('settings:write'),
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		crumbs: [
			{ label: m.admin_nav_settings(), href: '/admin/settings' },
			{ label: m.webhook_title() }
		]
	};
};

export const actions: Actions = {
	add: (event) => {
		requireStaff(event, 'settings:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, webhookForm, async (input) => {
			const { endpoint, secret } = await transaction((tx) => addEndpoint(tx, input, by));
			return { message: m.webhook_created(), id: endpoint.id, name: endpoint.name, secret };
		});
	}
};
