import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { CustomerImportLine } from '#prisma/generated/client.ts';
import { EXISTS, inFile } from './imports.server.ts';
import { importCells } from './importLines.server.ts';
import { readImportRow } from './importRow.ts';

const BATCH = 500;

/**
 * The dry run: says of each row whether it can be made, and why not. Goes on where an earlier run was killed.
 * @throws the signal's reason when this process ends
 */
export async function checkImport(importId: string, signal?: AbortSignal): Promise<void> {
	const first = await firstLines(importId);
	for (;;) {
		signal?.throwIfAborted();
		if (!(await transaction((tx) => checkBatch(tx, importId, first)))) return;
	}
}

/** @returns whether there may be more */
async function checkBatch(
	tx: Tx,
	importId: string,
	first: ReadonlyMap<string, number>
): Promise<boolean> {
	// Locked, so that a second run, or a cancellation, waits for this batch.
	const [found] = await tx.$queryRaw<{ status: string }[]>`
		SELECT status FROM customer_imports WHERE id = ${importId}::uuid FOR UPDATE`;
	if (found?.status !== 'checking') return false;
	const lines = await tx.customerImportLine.findMany({
		where: { importId, status: 'pending' },
		orderBy: { line: 'asc' },
		take: BATCH
	});
	if (lines.length === 0) {
		await tx.customerImport.update({ where: { id: importId }, data: { status: 'checked' } });
		await publish(tx, 'staff:customers', importId);
		return false;
	}
	const known = await knownAddresses(tx, lines);
	const looked = lines.map((line) => ({ id: line.id, errors: problemsOf(line, first, known) }));
	const refused = looked.filter(({ errors }) => Object.keys(errors).length > 0);
	await tx.$executeRaw`
		UPDATE customer_import_lines line
		SET errors = looked.errors, status = (CASE WHEN looked.errors = '{}' THEN 'valid' ELSE 'refused' END)::import_line_status
		FROM jsonb_to_recordset(${JSON.stringify(looked)}::jsonb) AS looked(id uuid, errors jsonb)
		WHERE line.id = looked.id`;
	await tx.customerImport.update({
		where: { id: importId },
		data: { refused: { increment: refused.length } }
	});
	await publish(tx, 'staff:customers', importId);
	return true;
}

function problemsOf(
	line: CustomerImportLine,
	first: ReadonlyMap<string, number>,
	known: ReadonlySet<string>
): Record<string, string> {
	const read = readImportRow(importCells(line.cells));
	if ('errors' in read)
		return Object.fromEntries(Object.keys(read.errors).map((column) => [column, 'invalid']));
	const { email } = read.input;
	const earlier = first.get(email);
	if (earlier !== undefined && earlier < line.line) return { email: inFile(earlier) };
	return known.has(email) ? { email: EXISTS } : {};
}

/** The line in which each address stands first. */
async function firstLines(importId: string): Promise<Map<string, number>> {
	const rows = await db.$queryRaw<{ email: string; line: number }[]>`
		SELECT lower(trim(cells->>'email')) AS email, min(line)::int AS line FROM customer_import_lines
		WHERE import_id = ${importId}::uuid AND cells->>'email' IS NOT NULL GROUP BY 1`;
	return new Map(rows.map(({ email, line }) => [email, line]));
}

/** Those of these rows' addresses that a customer has already. */
export async function knownAddresses(
	tx: Tx,
	lines: Pick<CustomerImportLine, 'cells'>[]
): Promise<Set<string>> {
	const emails = lines.flatMap(({ cells }) => importCells(cells).email?.toLowerCase() ?? []);
	const known = await tx.customer.findMany({
		where: { email: { in: emails }, status: { not: 'deleted' } },
		select: { email: true }
	});
	return new Set(known.map(({ email }) => email));
}
