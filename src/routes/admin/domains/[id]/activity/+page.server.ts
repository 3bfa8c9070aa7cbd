import { db } from '#lib/core/db.server.ts';
import { domainOfId } from '#lib/domains/custom/staffDomain.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { TIMELINE_LIST } from '#lib/logs/timeline.server.ts';
import { domainScope } from '#lib/logs/timelineScope.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import { timelineFor, timelineKindsFor } from '../../../timelineFor.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'domains:read');
	const { id } = await domainOfId(db, event.params.id);
	const query = parseListQuery(event.url, TIMELINE_LIST);
	return {
		...(await timelineFor(permissions, domainScope(id), query)),
		// It has no set-ups, no money and no mail of its own.
		kinds: timelineKindsFor(permissions).filter((kind) =>
			['state', 'alerts', 'audit'].includes(kind)
		)
	};
};
