import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { ruleKeys } from '#lib/notifications/alerts/ruleList.server.ts';
import { silenceForm } from '#lib/notifications/alerts/silenceForms.ts';
import { listSilences, SILENCE_LIST } from '#lib/notifications/alerts/silenceList.server.ts';
import { addSilence, endSilence } from '#lib/notifications/alerts/silences.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

/** Names are at hand for so many; beyond, one silences from the alert itself. */
const MOST_NODES = 200;

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'notifications:read');
	const nodes = await db.node.findMany({
		where: { removedAt: null },
		orderBy: { name: 'asc' },
		take: MOST_NODES,
		select: { id: true, name: true }
	});
	return {
		...(await listSilences(db, parseListQuery(event.url, SILENCE_LIST))),
		rules: await ruleKeys(db),
		nodes,
		mayWrite: staff.permissions.has('notifications:write'),
		crumbs: [
			{ label: m.admin_nav_alerts(), href: '/admin/alerts' },
			{ label: m.alert_tab_silences() }
		]
	};
};

export const actions: Actions = {
	add: (event) => {
		requireStaff(event, 'notifications:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, silenceForm, async (input) => {
			await transaction((tx) => addSilence(tx, input, by));
			return { message: m.alert_silence_done() };
		});
	},
	end: (event) => {
		requireStaff(event, 'notifications:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({ silence: z.uuid() }), async ({ silence }) => {
			await transaction((tx) => endSilence(tx, silence, by));
			return { message: m.alert_silence_end_done() };
		});
	}
};
