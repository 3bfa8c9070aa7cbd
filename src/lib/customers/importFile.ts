import { CsvError, parse } from 'csv-parse/sync';
import { m } from '#i18n/paraglide/messages.js';

/** Bytes and rows that a file may have at most. */
export const IMPORT_MAX_BYTES = 2_000_000;
export const IMPORT_MAX_ROWS = 10_000;

export const IMPORT_COLUMNS = [
	'company_name',
	'full_name',
	'email',
	'phone',
	'country',
	'tax_id',
	'address_line',
	'city',
	'state',
	'postal_code',
	'locale',
	'notes'
] as const;
export type ImportColumn = (typeof IMPORT_COLUMNS)[number];
export type ImportCells = Partial<Record<ImportColumn, string>>;

/** Headings as people write them in Spanish and English, folded: without accents, case and what is no letter. */
const HEADINGS: Record<ImportColumn, string[]> = {
	company_name: [
		'empresa',
		'compania',
		'razonsocial',
		'nombreempresa',
		'nombredelaempresa',
		'company',
		'companyname',
		'organization',
		'organizacion',
		'cliente',
		'customer'
	],
	full_name: [
		'nombre',
		'contacto',
		'nombrecompleto',
		'nombredecontacto',
		'nombreyapellido',
		'persona',
		'name',
		'fullname',
		'contact',
		'contactname'
	],
	email: ['correo', 'correoelectronico', 'email', 'mail', 'emailaddress', 'correodecontacto'],
	phone: [
		'telefono',
		'celular',
		'movil',
		'telefonocelular',
		'phone',
		'phonenumber',
		'mobile',
		'tel'
	],
	country: ['pais', 'codigopais', 'country', 'countrycode'],
	tax_id: [
		'ruc',
		'nit',
		'rfc',
		'rut',
		'cuit',
		'cnpj',
		'rnc',
		'rif',
		'nif',
		'cif',
		'identificacion',
		'identificacionfiscal',
		'numerofiscal',
		'idfiscal',
		'taxid',
		'vat',
		'vatnumber',
		'taxnumber',
		'ein'
	],
	address_line: ['direccion', 'calle', 'domicilio', 'address', 'addressline', 'street'],
	city: ['ciudad', 'localidad', 'canton', 'city', 'town'],
	state: [
		'provincia',
		'estado',
		'departamento',
		'region',
		'state',
		'province',
		'provinciaoestado',
		'stateorprovince'
	],
	postal_code: ['codigopostal', 'cp', 'postal', 'postalcode', 'zip', 'zipcode'],
	locale: ['idioma', 'lengua', 'language', 'locale', 'lang'],
	notes: [
		'notas',
		'observaciones',
		'comentarios',
		'notes',
		'comments',
		'notasinternas',
		'internalnotes'
	]
};

export interface ImportFile {
	/** Each row with its line in the file, the heading being 1. */
	rows: { line: number; cells: ImportCells }[];
	/** Headings that nobody understood: their columns are left out. */
	unknown: string[];
}

/**
 * Reads a CSV of customers: UTF-8 with or without a mark, or Latin-1 as spreadsheets save it; commas, semicolons or tabs.
 * @returns the rows, or a sentence that says what is wrong with the file as a whole
 */
export function readImportFile(bytes: Uint8Array): ImportFile | { problem: string } {
	if (bytes.byteLength === 0) return { problem: m.import_file_empty() };
	if (bytes.byteLength > IMPORT_MAX_BYTES)
		return { problem: m.import_file_too_large({ megabytes: IMPORT_MAX_BYTES / 1_000_000 }) };
	const text = decoded(bytes);
	if (text.includes('\u0000')) return { problem: m.import_file_no_csv() };
	let records: { record: string[]; info: { lines: number } }[];
	try {
		records = parse(text, {
			bom: true,
			delimiter: delimiterOf(text),
			relax_column_count: true,
			relax_quotes: true,
			skip_empty_lines: true,
			skip_records_with_empty_values: true,
			trim: true,
			info: true,
			to: IMPORT_MAX_ROWS + 2
		}) as unknown as typeof records;
	} catch (error) {
		if (error instanceof CsvError)
			return { problem: m.import_file_broken({ line: Number(error.lines ?? 1) }) };
		throw error;
	}
	const [head, ...body] = records;
	if (!head || body.length === 0) return { problem: m.import_file_no_rows() };
	if (body.length > IMPORT_MAX_ROWS)
		return { problem: m.import_file_too_many({ rows: IMPORT_MAX_ROWS }) };
	const columns = head.record.map(columnOf);
	const missing = (['company_name', 'email'] as const).filter((name) => !columns.includes(name));
	// A file with people alone: who has no company is one.
	const asPeople =
		missing.length === 1 && missing[0] === 'company_name' && columns.includes('full_name');
	if (missing.length > 0 && !asPeople) return { problem: m.import_file_no_headings() };
	return {
		rows: body.map(({ record, info }) => ({ line: info.lines, cells: cellsOf(columns, record) })),
		unknown: head.record.filter((heading, index) => heading && !columns[index])
	};
}

function cellsOf(columns: (ImportColumn | null)[], record: string[]): ImportCells {
	const cells: ImportCells = {};
	columns.forEach((column, index) => {
		const value = record[index];
		// A field that begins like a formula was made safe for spreadsheets; ours does so in its own files.
		if (column && value && cells[column] === undefined)
			cells[column] = value.replace(/^'(?=[=+\-@])/, '').slice(0, 5_000);
	});
	if (!cells.company_name && cells.full_name) cells.company_name = cells.full_name;
	return cells;
}

function columnOf(heading: string): ImportColumn | null {
	const folded = heading
		.normalize('NFD')
		.replace(/\p{M}/gu, '')
		.toLowerCase()
		.replace(/[^a-z]/g, '');
	return (
		IMPORT_COLUMNS.find(
			(column) => column.replaceAll('_', '') === folded || HEADINGS[column].includes(folded)
		) ?? null
	);
}

function decoded(bytes: Uint8Array): string {
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		// Not UTF-8: what spreadsheets of Western Europe and Latin America save otherwise is Windows' Latin-1.
		return new TextDecoder('windows-1252').decode(bytes);
	}
}

/** The separator that the first line has most of. */
function delimiterOf(text: string): string {
	const head = text.slice(0, 10_000).split(/\r?\n/, 1)[0] ?? '';
	const counted = [',', ';', '\t'].map((mark) => ({ mark, times: head.split(mark).length }));
	return counted.reduce((best, one) => (one.times > best.times ? one : best)).mark;
}
