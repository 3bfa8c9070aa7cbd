import { lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import type { CustomerImport } from '#prisma/generated/client.ts';
import { addCustomer } from './adding.server.ts';
import { knownAddresses } from './importCheck.server.ts';
import { importCells } from './importLines.server.ts';
import { readImportRow } from './importRow.ts';
import { EXISTS } from './imports.server.ts';

/** So few that a cancellation is heard of within a second. */
const BATCH = 50;

/**
 * Makes the customers of the rows that are right, batch by batch: a row and its customer are written together, so that a
 * run that was killed goes on behind the last batch and makes nobody twice.
 * @throws the signal's reason when this process ends
 */
export async function runImport(importId: string, signal?: AbortSignal): Promise<void> {
	for (;;) {
		signal?.throwIfAborted();
		if (!(await transaction((tx) => runBatch(tx, importId)))) return;
	}
}

/** @returns whether there may be more */
export async function runBatch(tx: Tx, importId: string): Promise<boolean> {
	// One batch at a time of all imports: two files may name the same company.
	await lock(tx, 'customers.import');
	await tx.$queryRaw`SELECT id FROM customer_imports WHERE id = ${importId}::uuid FOR UPDATE`;
	const order = await tx.customerImport.findUnique({ where: { id: importId } });
	if (order?.status !== 'importing') return false;
	const lines = await tx.customerImportLine.findMany({
		where: { importId, status: 'valid' },
		orderBy: { line: 'asc' },
		take: BATCH
	});
	if (lines.length === 0) {
		await tx.customerImport.update({
			where: { id: importId },
			data: { status: 'done', finishedAt: new Date() }
		});
		await publish(tx, 'staff:customers', importId);
		return false;
	}
	const known = await knownAddresses(tx, lines);
	let made = 0;
	for (const line of lines) {
		const read = readImportRow(importCells(line.cells));
		// Somebody may have made the same one since the rows were looked at.
		const taken = 'input' in read && known.has(read.input.email);
		if ('errors' in read || taken) {
			const errors = 'errors' in read ? invalid(read.errors) : { email: EXISTS };
			await tx.customerImportLine.update({
				where: { id: line.id },
				data: { status: 'refused', errors }
			});
			continue;
		}
		const customer = await addCustomer(tx, read.input, { by: actorOfImport(order), locale: 'es' });
		known.add(customer.email);
		made += 1;
		await tx.customerImportLine.update({
			where: { id: line.id },
			data: { status: 'made', customerId: customer.id }
		});
	}
	await tx.customerImport.update({
		where: { id: importId },
		data: { made: { increment: made }, refused: { increment: lines.length - made } }
	});
	await publish(tx, 'staff:customers', importId);
	return true;
}

function invalid(errors: Record<string, string>): Record<string, string> {
	return Object.fromEntries(Object.keys(errors).map((column) => [column, 'invalid']));
}

/** Who said that it be imported, though a job does it. @throws {AppError} NOT_FOUND without anybody */
function actorOfImport({ byId, byLabel }: CustomerImport): Actor {
	if (!byId) throw new AppError('NOT_FOUND', { detail: 'an import that nobody began' });
	return { kind: 'staff', id: byId, label: byLabel };
}
