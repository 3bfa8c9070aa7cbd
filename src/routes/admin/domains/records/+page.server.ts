import { z } from 'zod';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { askForChanges, MOST_AT_ONCE } from '#lib/domains/records/recordChanges.server.ts';
import {
	changeableIds,
	listRecords,
	RECORD_LIST,
	zonesSeen
} from '#lib/domains/records/recordList.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

/** The clock looks every hour; what is older than two has missed a look. */
const OLD_HOURS = 2;

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'domains:read');
	const query = parseListQuery(event.url, RECORD_LIST);
	const { looks, counts } = await zonesSeen(db);
	const old = after(now(), -OLD_HOURS * HOUR);
	return {
		...(await listRecords(db, query)),
		looks: looks.map((look) => ({ ...look, isOld: !look.lookedAt || look.lookedAt < old })),
		counts,
		/** Of what is shown, over all pages, something can be done about so many. */
		changeable: (await changeableIds(db, query)).length,
		mostAtOnce: MOST_AT_ONCE,
		mayWrite: staff.permissions.has('domains:write'),
		crumbs: [
			{ label: m.domains_title(), href: '/admin/domains' },
			{ label: m.domains_tab_records() }
		]
	};
};

const chosen = z.object({
	/** Ids, comma separated; `all`: everything that the list's search and filters leave. */
	records: z.string().min(1),
	count: z.coerce.number().int(),
	confirm: z.string().trim().default('')
});

export const actions: Actions = {
	look: async (event) => {
		requireStaff(event, 'domains:write');
		const { label } = actorOf(event.locals.auth!);
		await transaction((tx) => enqueue(tx, 'domains.look-at-records', { by: label }));
		return { message: m.domains_records_look_asked() };
	},
	change: (event) => {
		requireStaff(event, 'domains:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, chosen, async ({ records, count, confirm }) => {
			const ids =
				records === 'all'
					? await changeableIds(db, parseListQuery(event.url, RECORD_LIST))
					: z.array(z.uuid()).parse(records.split(','));
			// What is typed is what was shown: a list that has grown meanwhile is looked at again.
			if (ids.length !== count) throw new AppError('CHANGED_MEANWHILE');
			if (confirm !== String(count))
				throw new AppError('BAD_INPUT', {
					fields: { confirm: m.ui_type_to_confirm({ name: String(count) }) }
				});
			const asked = await transaction((tx) => askForChanges(tx, ids, by));
			return {
				message: m.domains_records_asked({ count: asked.count, left: asked.left })
			};
		});
	}
};
