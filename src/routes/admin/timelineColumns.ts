import { actorWord } from '#lib/logs/words.ts';
import type { TimelineEntry } from '#lib/logs/timeline.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { timelineKind, timelineWords } from './timelineWords.ts';

/** A timeline in a file. @param locale BCP 47, for amounts */
export function timelineColumns(locale: string): CsvColumn<TimelineEntry>[] {
	return [
		{ label: m.calls_when(), value: (row) => row.at },
		{ label: m.timeline_kind(), value: (row) => timelineKind(row.kind) },
		{ label: m.timeline_what(), value: (row) => timelineWords(row, locale).title },
		{ label: m.timeline_detail(), value: (row) => timelineWords(row, locale).detail },
		{
			label: m.audit_who(),
			value: (row) => (row.what === 'act' ? actorWord(row.data.actor) : null)
		}
	];
}
