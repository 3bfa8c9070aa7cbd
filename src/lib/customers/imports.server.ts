import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type { CustomerImport, ImportStatus } from '#prisma/generated/client.ts';
import type { ImportFile } from './importFile.ts';

/** @throws {AppError} NOT_FOUND */
export async function findImport(tx: Tx, id: string): Promise<CustomerImport> {
	const found =
		z.uuid().safeParse(id).success && (await tx.customerImport.findUnique({ where: { id } }));
	if (!found) throw new AppError('NOT_FOUND');
	return found;
}

/** Takes over a file that was read, and has its rows looked at; nothing is made. */
export async function beginImport(
	tx: Tx,
	file: { name: string; rows: ImportFile['rows'] },
	by: Actor
): Promise<CustomerImport> {
	const made = await tx.customerImport.create({
		data: {
			fileName: file.name.slice(0, 200),
			rows: file.rows.length,
			byId: by.id,
			byLabel: by.label
		}
	});
	await tx.customerImportLine.createMany({
		data: file.rows.map(({ line, cells }) => ({ importId: made.id, line, cells }))
	});
	await audit(tx, {
		actor: by,
		action: 'customers.begin-import',
		subject: { type: 'customer-import', id: made.id },
		after: { file: made.fileName, rows: made.rows }
	});
	await enqueue(tx, 'customers.check-import', { importId: made.id }, { key: made.id });
	return made;
}

/** Makes the customers of the rows that are right. @throws {AppError} WRONG_STATE unless it was looked at and not begun */
export async function startImport(tx: Tx, importId: string, by: Actor): Promise<void> {
	await move(tx, importId, ['checked'], 'importing');
	await audit(tx, {
		actor: by,
		action: 'customers.start-import',
		subject: { type: 'customer-import', id: importId }
	});
	await enqueue(tx, 'customers.run-import', { importId }, { key: importId });
}

/** Stops it where it is: what was made stays. @throws {AppError} WRONG_STATE when it is over already */
export async function cancelImport(tx: Tx, importId: string, by: Actor): Promise<void> {
	await move(tx, importId, ['checking', 'checked', 'importing'], 'cancelled');
	await audit(tx, {
		actor: by,
		action: 'customers.cancel-import',
		subject: { type: 'customer-import', id: importId }
	});
}

async function move(tx: Tx, id: string, from: ImportStatus[], to: ImportStatus): Promise<void> {
	const { count } = await tx.customerImport.updateMany({
		where: { id, status: { in: from } },
		data: { status: to, ...(to === 'cancelled' && { finishedAt: new Date() }) }
	});
	const { status } = await findImport(tx, id);
	if (count === 0) throw new AppError('WRONG_STATE', { params: { from: status, to } });
	await publish(tx, 'staff:customers', id);
}

/** Codes in `errors`: what cannot be known from the row alone. Anything else is read from its cells again. */
export const EXISTS = 'exists';
export const inFile = (line: number) => `in_file:${line}`;
