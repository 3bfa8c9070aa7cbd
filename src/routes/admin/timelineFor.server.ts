import { db } from '#lib/core/db.server.ts';
import { timeline, type TimelineQuery } from '#lib/logs/timeline.server.ts';
import { isTimelineKind, type TimelineEntry, type TimelineKind } from '#lib/logs/timeline.ts';
import type { TimelineScope } from '#lib/logs/timelineScope.server.ts';
import type { ListQuery } from '#lib/ui/list-query.ts';

/** What of a thing's timeline somebody of the staff may see; who did it is the audit log's to tell. */
export function timelineKindsFor(permissions: ReadonlySet<string>): TimelineKind[] {
	return [
		'state',
		'runs',
		...(permissions.has('billing:read') ? (['billing'] as const) : []),
		...(permissions.has('notifications:read') ? (['mails', 'alerts'] as const) : []),
		...(permissions.has('audit:read') ? (['audit'] as const) : [])
	];
}

/** One page of a timeline as this person may see it. @param query of the address: `kind`, `from`, `to`, and the cursor */
export async function timelineFor(
	permissions: ReadonlySet<string>,
	scope: TimelineScope,
	query: Pick<ListQuery, 'filters' | 'cursor' | 'pageSize'>
): ReturnType<typeof timeline> {
	const allowed = timelineKindsFor(permissions);
	const { kind = '' } = query.filters;
	const kinds = isTimelineKind(kind) ? allowed.filter((name) => name === kind) : allowed;
	const asked: TimelineQuery = { ...query, kinds };
	const { rows, meta } = await timeline(db, scope, asked);
	return { rows: permissions.has('audit:read') ? rows : rows.map(withoutActor), meta };
}

function withoutActor(entry: TimelineEntry): TimelineEntry {
	return entry.what === 'act' ? { ...entry, data: { ...entry.data, actor: '' } } : entry;
}
