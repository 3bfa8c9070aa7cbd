/** First moment of the calendar month of `at` in an IANA zone, as UTC. */
export function startOfMonth(at: Date, timeZone: string): Date {
	const { year, month } = zoned(at, timeZone);
	return fromZoned(year, month, 1, timeZone);
}

/** First moment of the calendar month `months` after that of `at`. */
export function addMonths(at: Date, months: number, timeZone: string): Date {
	const { year, month } = zoned(at, timeZone);
	return fromZoned(year, month + months, 1, timeZone);
}

/** `2026-11` of `at` in an IANA zone. */
export function monthKey(at: Date, timeZone: string): string {
	const { year, month } = zoned(at, timeZone);
	return `${year}-${String(month).padStart(2, '0')}`;
}

/**
 * The moment of a whole hour on the calendar day that comes `days` after that of `at` in an IANA zone. An hour that the
 * clocks leave out is the one that they show then.
 */
export function atHour(at: Date, days: number, hour: number, timeZone: string): Date {
	const { year, month, day } = zoned(at, timeZone);
	return fromZoned(year, month, day + days, timeZone, hour);
}

/** The moment of a whole hour on a calendar day in an IANA zone. @param day `2026-11-24` */
export function hourOf(day: string, hour: number, timeZone: string): Date {
	const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
	return fromZoned(year, month, date, timeZone, hour);
}

/** `2026-11-24` of `at` in an IANA zone. */
export function dayKey(at: Date, timeZone: string): string {
	return `${monthKey(at, timeZone)}-${String(zoned(at, timeZone).day).padStart(2, '0')}`;
}

interface Zoned {
	year: number;
	month: number;
	day: number;
	hour: number;
	minute: number;
	second: number;
}

function zoned(at: Date, timeZone: string): Zoned {
	const parts = formatOf(timeZone).formatToParts(at);
	const value = (type: string) => Number(parts.find((part) => part.type === type)?.value);
	return {
		year: value('year'),
		month: value('month'),
		day: value('day'),
		hour: value('hour'),
		minute: value('minute'),
		second: value('second')
	};
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making one takes far longer than using it. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
	const known = formats.get(timeZone);
	if (known) return known;
	const made = new Intl.DateTimeFormat('en-US', {
		timeZone,
		hourCycle: 'h23',
		year: 'numeric',
		month: 'numeric',
		day: 'numeric',
		hour: 'numeric',
		minute: 'numeric',
		second: 'numeric'
	});
	formats.set(timeZone, made);
	return made;
}

/** An hour of a wall-clock day in a zone: twice corrected, because the offset at the guess may differ. */
function fromZoned(year: number, month: number, day: number, timeZone: string, hour = 0): Date {
	const wall = Date.UTC(year, month - 1, day, hour);
	let moment = wall;
	for (let round = 0; round < 2; round++) {
		const seen = zoned(new Date(moment), timeZone);
		const seenWall = Date.UTC(
			seen.year,
			seen.month - 1,
			seen.day,
			seen.hour,
			seen.minute,
			seen.second
		);
		moment += wall - seenWall;
	}
	return new Date(moment);
}
