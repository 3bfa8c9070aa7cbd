/**
 * Everything a person reads as money, number, date or size. Pure: the same functions serve pages and mails.
 * `locale` is a BCP 47 tag ('es', 'en', 'es-MX'); `timeZone` an IANA name ('America/Guayaquil').
 */

/** What `Intl` takes as a moment: a Date, epoch milliseconds or an ISO 8601 string. */
export type Moment = Date | number | string;

const cache = new Map<string, unknown>();

// Building an Intl object costs far more than using it, and a table of a hundred rows builds hundreds.
function cached<T>(key: string, make: () => T): T {
	let found = cache.get(key) as T | undefined;
	if (found === undefined) cache.set(key, (found = make()));
	return found;
}

function numberFormat(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
	return cached(
		`n${locale}${JSON.stringify(options)}`,
		() => new Intl.NumberFormat(locale, options)
	);
}

function dateFormat(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	return cached(
		`d${locale}${JSON.stringify(options)}`,
		() => new Intl.DateTimeFormat(locale, options)
	);
}

function toDate(moment: Moment): Date {
	return moment instanceof Date ? moment : new Date(moment);
}

/** Digits after the point that a currency's minor unit stands for: 2 for USD, 0 for CLP (ISO 4217). */
export function currencyDigits(currency: string): number {
	return cached(
		`c${currency}`,
		() =>
			numberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ??
			2
	);
}

/**
 * Minor units as money: `money(4900, 'usd', 'es')` is "US$ 49,00". `whole` drops the cents (figures on cards),
 * `sign` puts a plus before gains.
 */
export function money(
	minor: number | bigint,
	currency: string,
	locale: string,
	options: { whole?: boolean; sign?: boolean } = {}
): string {
	const code = currency.toUpperCase();
	const format = numberFormat(locale === 'es' ? 'es-AR' : locale, {
		style: 'currency',
		currency: code,
		...(options.whole ? { minimumFractionDigits: 0, maximumFractionDigits: 0 } : {}),
		...(options.sign ? { signDisplay: 'exceptZero' as const } : {})
	});
	return format.format(`${minorToDecimal(minor, currencyDigits(code))}` as `${number}`);
}

/** `minorToDecimal(-4905, 2)` is "-49.05": exact, no floating point between the cents and the page. */
export function minorToDecimal(minor: number | bigint, digits: number): string {
	const value = BigInt(minor);
	const text = (value < 0n ? -value : value).toString().padStart(digits + 1, '0');
	const cut = text.length - digits;
	const decimal = digits === 0 ? text : `${text.slice(0, cut)}.${text.slice(cut)}`;
	return value < 0n ? `-${decimal}` : decimal;
}

/** A count or measure; at most `digits` decimals (default 0). */
export function number(value: number | bigint, locale: string, digits = 0): string {
	return numberFormat(locale, { maximumFractionDigits: digits, useGrouping: 'always' }).format(
		value
	);
}

/** A fraction as percent: `percent(0.013, 'es')` is "1,3 %". */
export function percent(fraction: number, locale: string, digits = 1): string {
	return numberFormat(locale, { style: 'percent', maximumFractionDigits: digits }).format(fraction);
}

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];

/** Bytes in the largest fitting unit, steps of 1,024 as Proxmox counts: "1,2 GB". */
export function bytes(count: number, locale: string, digits = 1): string {
	let value = count;
	let unit = 0;
	while (Math.abs(value) >= 1024 && unit < BYTE_UNITS.length - 1) {
		value /= 1024;
		unit++;
	}
	return numberFormat(locale, {
		style: 'unit',
		unit: BYTE_UNITS[unit],
		maximumFractionDigits: unit === 0 ? 0 : digits
	}).format(value);
}

/** Mebibytes, the unit of our columns: `megabytes(4096, 'es')` is "4 GB". */
export function megabytes(mb: number, locale: string, digits = 1): string {
	return bytes(mb * 1024 * 1024, locale, digits);
}

/** "5 k", "1,2 M": for the axis of a chart. Some locales write 5 K beside 20 k; here thousands have one letter. */
export function compact(value: number, locale: string): string {
	return numberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 })
		.format(value)
		.replace('K', 'k');
}

/** Milliseconds as the two largest units: "0,1 s", "41 s", "2 min 5 s", "3 h 12 min", "41 días". */
export function duration(ms: number, locale: string): string {
	const seconds = Math.max(0, ms) / 1000;
	if (seconds < 59.95) return unit(seconds, 'second', locale, seconds < 20 ? 1 : 0);
	const whole = Math.round(seconds);
	const [days, hours, minutes] = [86_400, 3_600, 60].map((size) => Math.floor(whole / size));
	if (days) return join(unit(days, 'day', locale), unit((hours ?? 0) % 24, 'hour', locale));
	if (hours) return join(unit(hours, 'hour', locale), unit((minutes ?? 0) % 60, 'minute', locale));
	return join(unit(minutes ?? 0, 'minute', locale), unit(whole % 60, 'second', locale));
}

function unit(value: number, name: string, locale: string, digits = 0): string {
	const unitDisplay = name === 'day' ? 'long' : 'short';
	return (
		numberFormat(locale, {
			style: 'unit',
			unit: name,
			unitDisplay,
			maximumFractionDigits: digits
		})
			.format(value)
			// "seg." would end a sentence in its middle, or twice.
			.replace(/\.$/, '')
	);
}

function join(large: string, small: string): string {
	return /^0\D/.test(small) ? large : `${large} ${small}`;
}

/** "1 nov 2026". A bare day ("2026-11-01") is that day in every zone. */
export function date(moment: Moment, locale: string, timeZone: string): string {
	const bare = typeof moment === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(moment);
	return dateFormat(locale, { dateStyle: 'medium', timeZone: bare ? 'UTC' : timeZone }).format(
		toDate(moment)
	);
}

/** "1 nov 2026, 14:02". */
export function dateTime(moment: Moment, locale: string, timeZone: string): string {
	return dateFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(
		toDate(moment)
	);
}

/** Everything, zone included, for titles and tooltips. */
export function fullDateTime(moment: Moment, locale: string, timeZone: string): string {
	return dateFormat(locale, { dateStyle: 'full', timeStyle: 'long', timeZone }).format(
		toDate(moment)
	);
}

/** "14:02:11.204": the clock of log lines, 24 hours in every locale so that columns line up. */
export function clockTime(moment: Moment, timeZone: string): string {
	return dateFormat('en-GB', {
		hour: '2-digit',
		minute: '2-digit',
		second: '2-digit',
		fractionalSecondDigits: 3,
		hourCycle: 'h23',
		timeZone
	}).format(toDate(moment));
}

/** "14:05", 24 hours in every locale: under a chart. */
export function timeOfDay(moment: Moment, timeZone: string): string {
	return clockTime(moment, timeZone).slice(0, 5);
}

/** "12 nov": a day of which the year is plain. */
export function dayOfMonth(moment: Moment, locale: string, timeZone: string): string {
	return dateFormat(locale, { day: 'numeric', month: 'short', timeZone }).format(toDate(moment));
}

/** "noviembre de 2026", or "nov" when `short`. */
export function month(moment: Moment, locale: string, timeZone: string, short = false): string {
	return dateFormat(
		locale,
		short ? { month: 'short', timeZone } : { month: 'long', year: 'numeric', timeZone }
	).format(toDate(moment));
}

const RELATIVE_STEPS = [
	{ name: 'second', size: 1, limit: 60 },
	{ name: 'minute', size: 60, limit: 60 },
	{ name: 'hour', size: 3_600, limit: 24 },
	{ name: 'day', size: 86_400, limit: 30 },
	{ name: 'month', size: 2_629_746, limit: 12 },
	{ name: 'year', size: 31_556_952, limit: Infinity }
] as const;

/** `from` seen from `now` (epoch ms): "hace 4 s", "hace 3 días", "en 2 h". */
export function relative(from: Moment, now: number, locale: string): string {
	const seconds = (toDate(from).getTime() - now) / 1000;
	const step =
		RELATIVE_STEPS.find(({ size, limit }) => Math.abs(Math.round(seconds / size)) < limit) ??
		RELATIVE_STEPS[5];
	const style = step.size < 86_400 ? 'short' : 'long';
	const format = cached(
		`r${locale}${style}`,
		() => new Intl.RelativeTimeFormat(locale, { style, numeric: 'auto' })
	);
	return format.format(Math.round(seconds / step.size), step.name);
}

/** Milliseconds after which `relative` says something else, for the clock that redraws it. */
export function relativeStep(from: Moment, now: number): number {
	const age = Math.abs(now - toDate(from).getTime());
	return age < 60_000 ? 1_000 : age < 3_600_000 ? 15_000 : 60_000;
}

/** "a, b y c". */
export function list(items: readonly string[], locale: string): string {
	return cached(`l${locale}`, () => new Intl.ListFormat(locale, { type: 'conjunction' })).format(
		items
	);
}

/** Up to two capitals for an avatar: "Luis Mora" is "LM". */
export function initials(name: string): string {
	const words = name.trim().split(/\s+/u).filter(Boolean);
	const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
	return letters
		.map((word) => Array.from(word ?? '')[0] ?? '')
		.join('')
		.toLocaleUpperCase();
}
