import { expect, it } from 'vitest';
import { csvHeader, csvRow, type CsvColumn } from './csv.ts';

type Row = { name: string; cents: number; at: Date | null };
const columns: CsvColumn<Row>[] = [
	{ label: 'Cliente', value: ({ name }) => name },
	{ label: 'MRR, centavos', value: ({ cents }) => cents },
	{ label: 'Desde', value: ({ at }) => at }
];

it('writes a header that Excel reads as UTF-8', () => {
	expect(csvHeader(columns)).toBe('\uFEFFCliente,"MRR, centavos",Desde\r\n');
});

it('quotes what would break a row', () => {
	const at = new Date('2026-11-01T00:00:00Z');
	expect(csvRow(columns, { name: 'El "Sol",\nS.A.', cents: 4900, at })).toBe(
		'"El ""Sol"",\nS.A.",4900,2026-11-01T00:00:00.000Z\r\n'
	);
});

it.each(['=1+1', '+SUM(A1)', '-2', '@x'])('disarms the formula %s but not numbers', (name) => {
	expect(csvRow(columns, { name, cents: -5, at: null })).toBe(`'${name},-5,\r\n`);
});
