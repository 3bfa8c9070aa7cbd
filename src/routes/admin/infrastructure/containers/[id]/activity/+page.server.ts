import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { containerOfId } from '#lib/infrastructure/containers/containerPage.server.ts';
import { TIMELINE_LIST } from '#lib/logs/timeline.server.ts';
import { containerScope } from '#lib/logs/timelineScope.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import { timelineFor, timelineKindsFor } from '../../../../timelineFor.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'infrastructure:read');
	const { id } = await containerOfId(db, event.params.id);
	const query = parseListQuery(event.url, TIMELINE_LIST);
	return {
		...(await timelineFor(permissions, containerScope(id), query)),
		// It has no money and no mail of its own.
		kinds: timelineKindsFor(permissions).filter((kind) =>
			['runs', 'alerts', 'audit'].includes(kind)
		)
	};
};
