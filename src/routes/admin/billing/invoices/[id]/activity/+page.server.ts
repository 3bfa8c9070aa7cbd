import { requireStaff } from '#lib/identity/guard.server.ts';
import { TIMELINE_LIST } from '#lib/logs/timeline.server.ts';
import { invoiceScope } from '#lib/logs/timelineScope.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import { timelineFor, timelineKindsFor } from '../../../../timelineFor.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'billing:read');
	const { invoice } = await event.parent();
	const query = parseListQuery(event.url, TIMELINE_LIST);
	return {
		...(await timelineFor(permissions, invoiceScope(invoice.id), query)),
		kinds: timelineKindsFor(permissions).filter((kind) => kind !== 'runs' && kind !== 'mails')
	};
};
