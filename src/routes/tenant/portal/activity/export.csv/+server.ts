import { asCustomer } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { type ActivityRow, listActivity } from '#lib/logs/customerActivity.server.ts';
import { actionLabel } from '#lib/logs/words.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { actorWords } from '../actors.ts';
import type { RequestHandler } from './$types';

/** Everything that the page lists to this person. */
export const GET: RequestHandler = async (event) => {
	const { scope, customerId, user, permissions } = requireCustomer(event, 'activity:read');
	const seesAll = permissions.get('activity:read') === 'all';
	const whose = { customerId, address: seesAll ? null : user.email };
	const platform = await setting('general.platform_name');
	const columns = [
		{ label: m.portal_activity_when(), value: (row: ActivityRow) => row.at },
		{ label: m.portal_activity_who(), value: (row: ActivityRow) => actorWords(row, platform) },
		{ label: m.portal_activity_what(), value: (row: ActivityRow) => actionLabel(row.action) }
	];
	return csvOfList('actividad.csv', columns, (page) =>
		asCustomer(scope, (tx) => listActivity(tx, whose, page))
	);
};
