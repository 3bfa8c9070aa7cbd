import { z } from 'zod';

/** A line of cloudflared's log. */
export interface JournalLine {
	/** journald's own name of its place. */
	cursor: string;
	at: Date;
	level: 'debug' | 'info' | 'warning' | 'error';
	text: string;
}

/** A line longer than this is cut: cloudflared writes whole configurations into one. */
const LONGEST = 4_000;

export function journalArgv(
	unit: string,
	{ lines, after, follow }: { lines: number; after: string | null; follow: boolean }
): string[] {
	return [
		'journalctl',
		`--unit=${unit}`,
		`--lines=${lines}`,
		'--output=json',
		'--no-pager',
		...(after ? [`--after-cursor=${after}`] : []),
		...(follow ? ['--follow'] : [])
	];
}

const entrySchema = z.object({
	__CURSOR: z.string(),
	/** Microseconds since the epoch. */
	__REALTIME_TIMESTAMP: z.coerce.number(),
	PRIORITY: z.coerce.number().optional(),
	SYSLOG_IDENTIFIER: z.string().optional(),
	/** Bytes where they are no UTF-8, null when they are too many. */
	MESSAGE: z.union([z.string(), z.array(z.number()), z.null()]).optional()
});

/** What `journalctl -o json` printed. Lines that are none of its are left out. */
export function readJournal(text: string): JournalLine[] {
	return text.split('\n').flatMap((line) => readJournalLine(line) ?? []);
}

/** Null for an empty line, and for what is no entry. */
export function readJournalLine(line: string): JournalLine | null {
	if (!line.trim().startsWith('{')) return null;
	const entry = entrySchema.safeParse(parsed(line));
	if (!entry.success) return null;
	const { __CURSOR: cursor, __REALTIME_TIMESTAMP: us, MESSAGE, PRIORITY = 6 } = entry.data;
	const message = Array.isArray(MESSAGE) ? Buffer.from(MESSAGE).toString('utf8') : (MESSAGE ?? '');
	const own = ownLine(message);
	return {
		cursor,
		at: own?.at ?? new Date(us / 1000),
		level: own?.level ?? levelOf(PRIORITY),
		// Nothing that moves a terminal's cursor or hides what follows.
		text: (own?.text ?? message).replace(/\p{Cc}/gu, ' ').slice(0, LONGEST)
	};
}

const WORDS = {
	DBG: 'debug',
	INF: 'info',
	WRN: 'warning',
	ERR: 'error',
	FTL: 'error',
	PNC: 'error'
} as const;
const NAMES: Record<string, JournalLine['level']> = {
	debug: 'debug',
	info: 'info',
	warn: 'warning',
	error: 'error',
	fatal: 'error',
	panic: 'error'
};

/** cloudflared writes time and level itself, as words or, with `--output json`, as an object. */
function ownLine(message: string): Omit<JournalLine, 'cursor'> | null {
	const words =
		/^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) (DBG|INF|WRN|ERR|FTL|PNC) ([\s\S]*)$/.exec(
			message
		);
	const level = Object.entries(WORDS).find(([word]) => word === words?.[2])?.[1];
	if (words?.[1] && level) return { at: new Date(words[1]), level, text: words[3] ?? '' };
	if (!message.startsWith('{')) return null;
	const object = jsonLine.safeParse(parsed(message));
	if (!object.success) return null;
	const { level: name, time, message: text, ...rest } = object.data;
	const more = Object.entries(rest).map(([key, value]) => `${key}=${String(value)}`);
	return { at: new Date(time), level: NAMES[name] ?? 'info', text: [text, ...more].join(' ') };
}

const jsonLine = z.looseObject({
	level: z.string(),
	time: z.iso.datetime({ offset: true }),
	message: z.string().default('')
});

function levelOf(priority: number): JournalLine['level'] {
	if (priority <= 3) return 'error';
	if (priority === 4) return 'warning';
	return priority >= 7 ? 'debug' : 'info';
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		// A line that was cut in the middle: the schema says no.
		return null;
	}
}
