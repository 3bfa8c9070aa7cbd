/** One column of an export. */
export type CsvColumn<T> = {
	label: string;
	value: (row: T) => string | number | bigint | Date | null | undefined;
};

/** First line of an export; the mark makes Excel read UTF-8. */
export function csvHeader<T>(columns: readonly CsvColumn<T>[]): string {
	return `\uFEFF${columns.map(({ label }) => cell(label)).join(',')}\r\n`;
}

/** One row (RFC 4180). Dates are ISO 8601, so that no reader's locale changes them. */
export function csvRow<T>(columns: readonly CsvColumn<T>[], row: T): string {
	return `${columns.map(({ value }) => cell(value(row))).join(',')}\r\n`;
}

function cell(value: string | number | bigint | Date | null | undefined): string {
	if (value === null || value === undefined) return '';
	const text = value instanceof Date ? value.toISOString() : String(value);
	// A customer may be called "=cmd|…": a spreadsheet must show such a text, not run it.
	const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
	return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
