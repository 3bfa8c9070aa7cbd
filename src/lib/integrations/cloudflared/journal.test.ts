import { expect, test } from 'vitest';
import { journalArgv, readJournal, readJournalLine } from './journal.ts';

const entry = (fields: object) =>
	JSON.stringify({ __CURSOR: 'c', __REALTIME_TIMESTAMP: '1763769600123456', ...fields });

test('cloudflared’s own lines have their own time and level', () => {
	expect(
		readJournalLine(
			entry({ PRIORITY: '6', MESSAGE: '2026-11-22T00:00:01Z ERR Request failed error="EOF"' })
		)
	).toEqual({
		cursor: 'c',
		at: new Date('2026-11-22T00:00:01Z'),
		level: 'error',
		text: 'Request failed error="EOF"'
	});
});

test('with --output json they are objects', () => {
	const MESSAGE = '{"level":"warn","time":"2026-11-22T00:00:01Z","message":"Slow","connIndex":2}';
	expect(readJournalLine(entry({ MESSAGE }))).toMatchObject({
		level: 'warning',
		text: 'Slow connIndex=2',
		at: new Date('2026-11-22T00:00:01Z')
	});
	expect(readJournalLine(entry({ MESSAGE: '{"level":1}' }))).toMatchObject({ text: '{"level":1}' });
});

test('systemd’s lines have the journal’s time and the level of their priority', () => {
	const levels = ['3', '4', '6', '7'].map(
		(PRIORITY) => readJournalLine(entry({ PRIORITY, MESSAGE: 'Failed to start' }))?.level
	);
	expect(levels).toEqual(['error', 'warning', 'info', 'debug']);
	expect(readJournalLine(entry({ MESSAGE: 'x' }))?.at).toEqual(new Date(1763769600123));
});

test('bytes, nothing, control characters and endless lines are taken as they can be', () => {
	expect(readJournalLine(entry({ MESSAGE: [104, 195, 177] }))?.text).toBe('hñ');
	expect(readJournalLine(entry({ MESSAGE: null }))?.text).toBe('');
	expect(readJournalLine(entry({ MESSAGE: 'a\u001b[31mb\rc' }))?.text).toBe('a [31mb c');
	expect(readJournalLine(entry({ MESSAGE: 'x'.repeat(9_000) }))?.text).toHaveLength(4_000);
});

test('what is no entry is left out', () => {
	expect(
		readJournal(`-- No entries --\n\n{"__CURSOR":\n${entry({ MESSAGE: 'one' })}\n[]`)
	).toHaveLength(1);
});

test('a place to go on from, and following, are asked for only when wanted', () => {
	expect(journalArgv('cloudflared', { lines: 5, after: null, follow: false })).toEqual([
		'journalctl',
		'--unit=cloudflared',
		'--lines=5',
		'--output=json',
		'--no-pager'
	]);
	expect(journalArgv('c', { lines: 5, after: 's=1', follow: true }).slice(-2)).toEqual([
		'--after-cursor=s=1',
		'--follow'
	]);
});
