import { month as monthName } from '#lib/ui/format.ts';

const SHOWN = 24;

/** The last two years of months for a filter, and the one that is chosen. */
export function monthOptions(
	chosen: string | null,
	locale: string,
	at = new Date()
): { value: string; label: string }[] {
	const months = Array.from({ length: SHOWN }, (_, index) =>
		new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - index, 15)).toISOString().slice(0, 7)
	);
	if (chosen && /^\d{4}-\d{2}$/.test(chosen) && !months.includes(chosen)) months.push(chosen);
	return months.map((value) => ({ value, label: monthName(`${value}-15`, locale, 'UTC') }));
}
