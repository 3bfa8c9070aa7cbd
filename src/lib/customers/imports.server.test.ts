import { describe, expect, it } from 'vitest';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { createStaff } from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { checkImport } from './importCheck.server.ts';
import { IMPORT_MAX_ROWS, readImportFile } from './importFile.ts';
import { listImportLines } from './importLines.server.ts';
import { runBatch, runImport } from './importRun.server.ts';
import { beginImport, cancelImport, startImport } from './imports.server.ts';
import '#lib/jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: false });

const { id: staffId, email } = await createStaff('administrator');
const by: Actor = { kind: 'staff', id: staffId, label: email };
const bytes = (text: string) => new TextEncoder().encode(text);

async function upload(text: string): Promise<string> {
	const read = readImportFile(bytes(text));
	if ('problem' in read) throw new Error(read.problem);
	const { rows } = read;
	return (await transaction((tx) => beginImport(tx, { name: 'clientes.csv', rows }, by))).id;
}
const order = (id: string) => db.customerImport.findUniqueOrThrow({ where: { id } });
const lines = async (importId: string, status?: string) =>
	(
		await listImportLines(db, importId, {
			...{ page: 1, pageSize: 100, cursor: null },
			filters: status ? { status } : {}
		})
	).rows;
const many = (count: number, mark: string) =>
	[
		'Empresa,Correo',
		...Array.from({ length: count }, (_, n) => `Empresa ${mark} ${n},${mark}${n}@import.example`)
	].join('\n');

describe('a file', () => {
	const cells = (given: Uint8Array) => {
		const read = readImportFile(given);
		return 'rows' in read ? read.rows.map((row) => row.cells) : read.problem;
	};
	const expected = [{ company_name: 'Ñandú S.A.', email: 'a@b.co', country: 'Perú' }];

	it.each([
		['UTF-8', bytes('Empresa,Correo,País\nÑandú S.A.,a@b.co,Perú\n')],
		[
			'UTF-8 with a mark',
			bytes('\uFEFFEmpresa;Correo electrónico;País\r\nÑandú S.A.;a@b.co;Perú\r\n')
		],
		[
			'Latin-1',
			new Uint8Array(Buffer.from('Company;Email;Country\nÑandú S.A.;a@b.co;Perú', 'latin1'))
		],
		['tabs and quotes', bytes('"Razón social"\tE-mail\tPAIS\n"Ñandú S.A."\t a@b.co \tPerú\n\n')]
	])('in %s is read', (_, given) => {
		expect(cells(given)).toEqual(expected);
	});

	it('says in words what is wrong with it as a whole', () => {
		expect(cells(bytes(''))).toMatch(/vacío/);
		expect(cells(bytes('Empresa,Correo\n'))).toMatch(/no tiene filas/);
		expect(cells(bytes('uno,dos\n1,2'))).toMatch(/«Empresa» y «Correo»/);
		expect(cells(bytes('PK\u0003\u0004\u0000\u0000'))).toMatch(/no es un CSV/);
		expect(cells(bytes(many(IMPORT_MAX_ROWS + 1, 'x')))).toMatch(/más de 10000 filas/);
		expect(cells(new Uint8Array(2_000_001).fill(97))).toMatch(/2 MB/);
	});

	it('says which columns it left out, and keeps the line of each row', () => {
		const read = readImportFile(bytes('Empresa,Correo,Signo\n\nA,a@b.co,Leo\nB,b@b.co,\n'));
		expect(read).toMatchObject({ unknown: ['Signo'], rows: [{ line: 3 }, { line: 4 }] });
	});
});

it('looks at every row first, makes nothing, and says what is wrong in words', async () => {
	await aCustomer({ email: 'known@import.example' });
	const before = await db.customer.count();
	const id = await upload(
		[
			'Empresa;Correo;País;RUC;Teléfono;Idioma',
			'Buena;buena@import.example;Ecuador;1790016919001;+593 2 222 2222;Español',
			'Sin correo;;EC;;;',
			'Mal todo;no-es;Narnia;123;x;klingon',
			'Otra vez;BUENA@import.example;;;;',
			'Conocida;known@import.example;;;;',
			'Mal RUC;ruc@import.example;EC;1710034066001;;',
			'=cmd|calc;formula@import.example;;;;'
		].join('\n')
	);
	await checkImport(id);
	expect(await order(id)).toMatchObject({ status: 'checked', rows: 7, refused: 5, made: 0 });
	expect(await db.customer.count()).toBe(before);
	const reasons = Object.fromEntries((await lines(id)).map((row) => [row.line, row.reasons]));
	expect(reasons[2]).toEqual([]);
	expect(reasons[3]).toEqual([expect.stringMatching(/^Correo: /)]);
	expect(reasons[4]?.join()).toMatch(/Narnia/);
	expect(reasons[4]?.join()).toMatch(/klingon/);
	expect(reasons[5]).toEqual([expect.stringContaining('línea 2')]);
	expect(reasons[6]).toEqual([expect.stringContaining('Ya existe un cliente')]);
	expect(reasons[7]).toEqual([expect.stringContaining('RUC')]);
	expect(await lines(id, 'refused')).toHaveLength(5);
	await transaction((tx) => startImport(tx, id, by));
	await runImport(id);
	expect(await order(id)).toMatchObject({ status: 'done', made: 2, refused: 5 });
	expect(
		await db.customer.findFirstOrThrow({ where: { email: 'buena@import.example' } })
	).toMatchObject({
		...{ companyName: 'Buena', country: 'EC', taxId: '1790016919001', taxIdType: 'ec_ruc' },
		...{ locale: 'es', status: 'pending' }
	});
	await expect(transaction((tx) => startImport(tx, id, by))).rejects.toMatchObject({
		code: 'WRONG_STATE'
	});
});

it('goes on where it was killed, and makes nobody twice, however many workers run it', async () => {
	const id = await upload(many(180, 'kill'));
	await checkImport(id);
	await transaction((tx) => startImport(tx, id, by));
	// The first batch is done; the second dies before it commits.
	expect(await transaction((tx) => runBatch(tx, id))).toBe(true);
	await expect(
		transaction(async (tx) => {
			await runBatch(tx, id);
			throw new Error('killed');
		})
	).rejects.toThrow('killed');
	expect((await order(id)).made).toBe(50);
	const stop = new AbortController();
	stop.abort(new Error('this process ends'));
	await expect(runImport(id, stop.signal)).rejects.toThrow('this process ends');
	await Promise.all([runImport(id), runImport(id), runImport(id)]);
	expect(await order(id)).toMatchObject({ status: 'done', made: 180, refused: 0 });
	const made = await db.customer.findMany({
		where: { email: { startsWith: 'kill' } },
		select: { email: true }
	});
	expect(made).toHaveLength(180);
	expect(new Set(made.map((row) => row.email)).size).toBe(180);
});

it('checks again what somebody else made meanwhile', async () => {
	const id = await upload(many(2, 'meanwhile'));
	await checkImport(id);
	await aCustomer({ email: 'meanwhile1@import.example' });
	await transaction((tx) => startImport(tx, id, by));
	await runImport(id);
	expect(await order(id)).toMatchObject({ status: 'done', made: 1, refused: 1 });
});

it('stops where it is when it is cancelled', async () => {
	const id = await upload(many(120, 'cancel'));
	await checkImport(id);
	await transaction((tx) => startImport(tx, id, by));
	await transaction((tx) => runBatch(tx, id));
	await transaction((tx) => cancelImport(tx, id, by));
	await runImport(id);
	expect(await order(id)).toMatchObject({ status: 'cancelled', made: 50 });
	await expect(transaction((tx) => cancelImport(tx, id, by))).rejects.toMatchObject({
		code: 'WRONG_STATE'
	});
});
