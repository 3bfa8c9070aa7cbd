import {
	argentinaCuit,
	brazilCnpj,
	brazilCpf,
	chileRut,
	colombiaNit,
	dominicanRnc,
	ecuadorRuc,
	paraguayRuc,
	peruRuc,
	salvadorNit,
	spainNif,
	uruguayRut,
	venezuelaRif
} from './taxIdChecks.ts';

export interface TaxIdKind {
	/** Stripe's word for it, as `customers/{id}/tax_ids` takes it. */
	type: string;
	/** ISO 3166-1 alpha-2. */
	country: string;
	/** As people of that country call it: a proper name, the same in every language. */
	name: string;
	example: string;
	/** Of the normalised number. */
	format: RegExp;
	/** Its check digits; absent where the country publishes none or several. */
	check?: (normalised: string) => boolean;
	/** Held by companies and traders alone: with it, tax may be owed by the buyer. */
	business: boolean;
	/** As Stripe wants it, where it wants separators. */
	forStripe?: (normalised: string) => string;
}

const digits = (count: number | string) => new RegExp(`^\\d{${count}}$`);

const AMERICAS: TaxIdKind[] = [
	kind('EC', 'ec_ruc', 'RUC', '1790016919001', digits(13), ecuadorRuc),
	kind('CO', 'co_nit', 'NIT', '800197268-4', digits('9,10'), colombiaNit, {
		forStripe: (nit) => `${nit.slice(0, -1)}-${nit.at(-1)}`
	}),
	kind('PE', 'pe_ruc', 'RUC', '20131312955', digits(11), peruRuc),
	kind('MX', 'mx_rfc', 'RFC', 'SAT970701NN3', /^[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{3}$/, rfcDate),
	kind('CL', 'cl_tin', 'RUT', '76086428-5', /^\d{7,8}[\dK]$/, chileRut, {
		forStripe: (rut) => `${rut.slice(0, -1)}-${rut.at(-1)}`
	}),
	kind('AR', 'ar_cuit', 'CUIT', '30-50001091-2', digits(11), argentinaCuit, {
		forStripe: (cuit) => `${cuit.slice(0, 2)}-${cuit.slice(2, 10)}-${cuit.slice(10)}`
	}),
	kind('BR', 'br_cnpj', 'CNPJ', '00.000.000/0001-91', /^[A-Z\d]{12}\d{2}$/, brazilCnpj, {
		forStripe: (cnpj) => cnpj.replace(/^(.{2})(.{3})(.{3})(.{4})(.{2})$/, '$1.$2.$3/$4-$5')
	}),
	kind('BR', 'br_cpf', 'CPF', '111.444.777-35', digits(11), brazilCpf, {
		business: false,
		forStripe: (cpf) => cpf.replace(/^(.{3})(.{3})(.{3})(.{2})$/, '$1.$2.$3-$4')
	}),
	kind('UY', 'uy_ruc', 'RUT', '211003420017', digits(12), uruguayRut),
	kind('PY', 'py_ruc', 'RUC', '80028061-0', digits('6,9'), paraguayRuc, {
		forStripe: (ruc) => `${ruc.slice(0, -1)}-${ruc.at(-1)}`
	}),
	kind('BO', 'bo_tin', 'NIT', '1023275028', digits('7,12')),
	kind('DO', 'do_rcn', 'RNC', '101-01063-2', /^(\d{9}|\d{11})$/, dominicanRnc),
	kind('CR', 'cr_tin', 'NITE', '3-101-012009', digits('9,12')),
	kind('SV', 'sv_nit', 'NIT', '0614-050707-104-7', digits(14), salvadorNit, {
		forStripe: (nit) => nit.replace(/^(.{4})(.{6})(.{3})(.)$/, '$1-$2-$3-$4')
	}),
	kind('VE', 've_rif', 'RIF', 'J-00007000-8', /^[VEJPGC]\d{9}$/, venezuelaRif),
	kind('US', 'us_ein', 'EIN', '12-3456789', digits(9), employerPrefix, {
		forStripe: (ein) => `${ein.slice(0, 2)}-${ein.slice(2)}`
	})
];

/** Prefix and shape of each member's VAT number, as the Commission's VIES describes them. */
const EU_VAT: Record<string, [prefix: string, format: RegExp, example: string]> = {
	AT: ['AT', /^ATU\d{8}$/, 'ATU12345678'],
	BE: ['BE', /^BE[01]\d{9}$/, 'BE0123456789'],
	BG: ['BG', /^BG\d{9,10}$/, 'BG123456789'],
	CY: ['CY', /^CY\d{8}[A-Z]$/, 'CY12345678Z'],
	CZ: ['CZ', /^CZ\d{8,10}$/, 'CZ12345678'],
	DE: ['DE', /^DE\d{9}$/, 'DE123456789'],
	DK: ['DK', /^DK\d{8}$/, 'DK12345678'],
	EE: ['EE', /^EE\d{9}$/, 'EE123456789'],
	ES: ['ES', /^ES[A-Z\d]\d{7}[A-Z\d]$/, 'ESA1234567Z'],
	FI: ['FI', /^FI\d{8}$/, 'FI12345678'],
	FR: ['FR', /^FR[A-Z\d]{2}\d{9}$/, 'FRAB123456789'],
	GR: ['EL', /^EL\d{9}$/, 'EL123456789'],
	HR: ['HR', /^HR\d{11}$/, 'HR12345678912'],
	HU: ['HU', /^HU\d{8}$/, 'HU12345678'],
	IE: ['IE', /^IE\d[A-Z\d+*]\d{5}[A-Z]{1,2}$/, 'IE1234567FA'],
	IT: ['IT', /^IT\d{11}$/, 'IT12345678912'],
	LT: ['LT', /^LT(\d{9}|\d{12})$/, 'LT123456789'],
	LU: ['LU', /^LU\d{8}$/, 'LU12345678'],
	LV: ['LV', /^LV\d{11}$/, 'LV12345678912'],
	MT: ['MT', /^MT\d{8}$/, 'MT12345678'],
	NL: ['NL', /^NL\d{9}B\d{2}$/, 'NL123456789B12'],
	PL: ['PL', /^PL\d{10}$/, 'PL1234567890'],
	PT: ['PT', /^PT\d{9}$/, 'PT123456789'],
	RO: ['RO', /^RO\d{2,10}$/, 'RO1234567891'],
	SE: ['SE', /^SE\d{12}$/, 'SE123456789123'],
	SI: ['SI', /^SI\d{8}$/, 'SI12345678'],
	SK: ['SK', /^SK\d{10}$/, 'SK1234567891']
};

const EUROPE: TaxIdKind[] = [
	kind('ES', 'es_cif', 'NIF', 'A58818501', /^[A-Z\d]\d{7}[A-Z\d]$/, spainNif),
	...Object.entries(EU_VAT).map(([country, [, format, example]]) =>
		kind(country, 'eu_vat', 'VAT', example, format)
	),
	kind('GB', 'gb_vat', 'VAT', 'GB123456789', /^GB(\d{9}|\d{12}|(GD|HA)\d{3})$/),
	kind('CH', 'ch_vat', 'MWST', 'CHE-123.456.788 MWST', /^CHE\d{9}(MWST|TVA|IVA)$/, undefined, {
		forStripe: (vat) => vat.replace(/^CHE(\d{3})(\d{3})(\d{3})(.*)$/, 'CHE-$1.$2.$3 $4')
	}),
	kind('NO', 'no_vat', 'MVA', '123456789MVA', /^\d{9}MVA$/)
];

export const TAX_ID_KINDS: readonly TaxIdKind[] = [...AMERICAS, ...EUROPE];

/** The kinds of number that a country has; the usual one of companies first. */
export function taxIdKindsOf(country: string | null | undefined): TaxIdKind[] {
	return TAX_ID_KINDS.filter((known) => known.country === country);
}

/** One kind; VAT numbers of the Union are told apart by country. */
export function taxIdKind(country: string | null | undefined, type: string): TaxIdKind | null {
	return taxIdKindsOf(country).find((known) => known.type === type) ?? null;
}

export type TaxIdProblem = 'unknown_kind' | 'format' | 'check_digit';

/**
 * A tax id as it is kept: letters and digits alone, upper case, without the prefix that its country does not use.
 * @returns the number, or why it cannot be one
 */
export function readTaxId(
	country: string | null | undefined,
	type: string,
	typed: string
): { value: string } | { problem: TaxIdProblem; kind: TaxIdKind | null } {
	const known = taxIdKind(country, type);
	if (!known) return { problem: 'unknown_kind', kind: null };
	const value = normalised(known, typed);
	if (!known.format.test(value)) return { problem: 'format', kind: known };
	if (known.check && !known.check(value)) return { problem: 'check_digit', kind: known };
	return { value };
}

/** As Stripe takes it. @param value as `readTaxId` gave it */
export function taxIdForStripe(
	country: string | null,
	type: string,
	value: string
): { type: string; value: string } {
	return { type, value: taxIdKind(country, type)?.forStripe?.(value) ?? value };
}

function normalised(known: TaxIdKind, typed: string): string {
	const bare = typed.toUpperCase().replace(/[\s.\-/_,]/g, '');
	const vat = EU_VAT[known.country];
	if (known.type === 'eu_vat' && vat) {
		const number = bare.startsWith(known.country) ? bare.slice(2) : bare;
		return number.startsWith(vat[0]) ? number : vat[0] + number;
	}
	// People write "RUC 1790016919001" and "NIT 800197268-4"; no number begins with its own name.
	return known.name.length > 2 && bare.startsWith(known.name)
		? bare.slice(known.name.length)
		: bare;
}

function kind(
	country: string,
	type: string,
	name: string,
	example: string,
	format: RegExp,
	check?: (normalised: string) => boolean,
	more: Partial<Pick<TaxIdKind, 'business' | 'forStripe'>> = {}
): TaxIdKind {
	return { country, type, name, example, format, check, business: true, ...more };
}

/** Mexico: the six digits are a date. The last character is not checked: SAT itself has issued others. */
function rfcDate(rfc: string): boolean {
	const date = /(\d{2})(\d{2})(\d{2})[A-Z0-9]{3}$/.exec(rfc);
	const [month, day] = [Number(date?.[2]), Number(date?.[3])];
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/** United States: the first two digits name the campus that issued it; these were never used. */
function employerPrefix(ein: string): boolean {
	return !/^(0[0789]|1[789]|28|29|49|69|70|78|79|89|9[67])/.test(ein);
}
