import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { ImportLineStatus, ImportStatus } from '#prisma/generated/enums.ts';

interface Look {
	label: string;
	tone: Tone;
	pulse?: boolean;
}

const STATUSES: Record<ImportStatus, { label: () => string; tone: Tone; pulse?: boolean }> = {
	checking: { label: m.import_status_checking, tone: 'info', pulse: true },
	checked: { label: m.import_status_checked, tone: 'warning' },
	importing: { label: m.import_status_importing, tone: 'info', pulse: true },
	done: { label: m.import_status_done, tone: 'success' },
	cancelled: { label: m.import_status_cancelled, tone: 'neutral' }
};

/** How far an import is, for Badge. */
export function importStatus(status: ImportStatus): Look {
	const { label, ...look } = STATUSES[status];
	return { ...look, label: label() };
}

const LINES: Record<ImportLineStatus, { label: () => string; tone: Tone }> = {
	pending: { label: m.import_line_pending, tone: 'neutral' },
	valid: { label: m.import_line_valid, tone: 'info' },
	refused: { label: m.import_line_refused, tone: 'danger' },
	made: { label: m.import_line_made, tone: 'success' }
};

/** What became of a row of the file, for Badge. */
export function importLineStatus(status: ImportLineStatus): Look {
	return { label: LINES[status].label(), tone: LINES[status].tone };
}
