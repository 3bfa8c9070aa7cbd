import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	ALERT_LIST,
	countAlerts,
	countSilenced,
	listAlerts
} from '#lib/notifications/alertList.server.ts';
import { ruleKeys } from '#lib/notifications/alerts/ruleList.server.ts';
import { acknowledgeAlert } from '#lib/notifications/alerts.server.ts';
import { acknowledgeForm } from '#lib/notifications/schema.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'notifications:read');
	return {
		...(await listAlerts(db, parseListQuery(event.url, ALERT_LIST))),
		counts: { ...(await countAlerts(db)), silenced: await countSilenced(db) },
		rules: await ruleKeys(db),
		mayAcknowledge: staff.permissions.has('notifications:write'),
		crumbs: [{ label: m.admin_nav_alerts() }]
	};
};

export const actions: Actions = {
	acknowledge: (event) => {
		requireStaff(event, 'notifications:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, acknowledgeForm, async ({ alert, note }) => {
			await transaction((tx) => acknowledgeAlert(tx, alert, { by, note }));
			return { message: m.alert_acknowledged_done() };
		});
	}
};
