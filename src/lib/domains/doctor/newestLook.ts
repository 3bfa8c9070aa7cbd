import type { DomainView, RecordToSet } from '../custom/domainView.server.ts';
import type { LiveLook } from './watch.server.ts';

/** What the page shows: a live look while it is newer than what was loaded. */
export function newest(
	view: Pick<DomainView, 'facts' | 'report'>,
	look: LiveLook | null
): Pick<DomainView, 'facts' | 'report'> {
	if (!look?.at) return view;
	return !view.report.at || look.at > view.report.at ? look : view;
}

/** The records to set, with what a live look saw of them. */
export function setNow(records: RecordToSet[], look: LiveLook | null): RecordToSet[] {
	if (!look?.at) return records;
	return records.map((record) => {
		const seen = look.records.find(
			({ type, name, value }) =>
				type === record.type && name === record.name && value === record.value
		);
		return seen ? { ...record, isSet: seen.isSet ?? record.isSet } : record;
	});
}
