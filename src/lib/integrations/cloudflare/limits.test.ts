import { expect, test } from 'vitest';
import { leftThere, retryAfterMs } from './limits.ts';

const headers = (values: Record<string, string>) => new Headers(values);

test('what is left is read from the header as it is documented', () => {
	expect(leftThere(headers({ Ratelimit: '"default";r=1187;t=231' }))).toEqual({
		left: 1187,
		resetSeconds: 231
	});
	expect(leftThere(headers({ Ratelimit: '"default"; r=0; t=1' }))).toEqual({
		left: 0,
		resetSeconds: 1
	});
});

test.each<Record<string, string>>([
	{},
	{ Ratelimit: '' },
	{ Ratelimit: '"default";r=;t=3' },
	{ Ratelimit: 'no' }
])('%j says nothing', (values) => {
	expect(leftThere(headers(values))).toBeNull();
});

test('a wait is given in seconds or until a date', () => {
	expect(retryAfterMs(headers({ 'retry-after': '300' }))).toBe(300_000);
	const soon = new Date(Date.now() + 60_000).toUTCString();
	expect(retryAfterMs(headers({ 'retry-after': soon }))).toBeGreaterThan(50_000);
	expect(retryAfterMs(headers({ 'retry-after': 'Sat, 01 Jan 2000 00:00:00 GMT' }))).toBe(0);
	expect(retryAfterMs(headers({ 'retry-after': 'soon' }))).toBeNull();
	expect(retryAfterMs(headers({}))).toBeNull();
});
