import { expect, it } from 'vitest';
import { lineWords } from './lineWords.ts';

it.each([
	['1 × Basic (at $29.00 / month)', '1 × Basic, mensual'],
	['3 × Pro (2026) (at $1,290.00 / year)', '3 × Pro (2026), anual'],
	['Unused time on Basic after 21 Nov 2026', 'Tiempo no usado de Basic desde el 21 nov 2026'],
	[
		'Remaining time on 30 × Basic after 1 Dec 2026',
		'Tiempo restante de 30 × Basic desde el 1 dic 2026'
	],
	['Trial period for Plus', 'Período de prueba de Plus'],
	['Consultoría', 'Consultoría']
])('says "%s" in the language of who reads', (written, said) => {
	expect(lineWords(written, 'es-EC')).toBe(said);
});
