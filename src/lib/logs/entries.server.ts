import { type Tx, db } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import type { LogLevel } from '#prisma/generated/enums.ts';
import { storable } from './json.server.ts';

export type LogSource = 'provisioning' | 'application' | 'system';
export type { LogLevel };

export interface LogContext {
	jobId?: string;
	stepName?: string;
	customerId?: string;
	requestId?: string;
	/** Anything else that helps; secrets are stripped. */
	data?: unknown;
}

/**
 * A line for the logs page (and for stdout), in English.
 * @param tx of the change that the line tells of; absent: its own connection, so that it survives a rollback
 */
export async function writeLog(
	source: LogSource,
	level: LogLevel,
	message: string,
	{ data, ...context }: LogContext = {},
	tx: Tx = db
): Promise<void> {
	log[level === 'warning' ? 'warn' : level]({ source, ...context, data }, message);
	await tx.logEntry.create({
		data: { source, level, message: message.slice(0, 4_000), data: storable(data), ...context },
		select: { id: true }
	});
}
