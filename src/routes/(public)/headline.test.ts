import { expect, it } from 'vitest';
import { m } from '#i18n/paraglide/messages.js';
import { headline } from './headline.ts';

const said = (seconds: number | null, count = 50, usual: number | null = null) =>
	headline({ count, seconds }, usual, 'es');

it.each([
	[12, m.landing_title_minute()],
	[60, m.landing_title_minute()],
	[61, m.landing_title_within({ time: '2 minutos' })],
	[599, m.landing_title_within({ time: '10 minutos' })],
	[601, m.landing_title_within({ time: '15 minutos' })],
	[3_600, m.landing_title_within({ time: '60 minutos' })],
	[3_601, m.landing_title()]
])('rounds %i s up', (seconds, sentence) => {
	expect(said(seconds)).toBe(sentence);
});

it('promises nothing of few measurements, or of none', () => {
	expect(said(12, 9)).toBe(m.landing_title());
	expect(said(null, 0)).toBe(m.landing_title());
});

it('never promises less than what is usual', () => {
	expect(said(30, 50, 95)).toBe(m.landing_title_within({ time: '2 minutos' }));
});
