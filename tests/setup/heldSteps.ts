import pg from 'pg';
import { afterAll } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { eventually } from './queue.ts';

/** Where a step that asks no vendor is held: `before` its transaction commits, or `after`, before it is noted as done. */
export type Held = 'before' | 'after';

/**
 * Holds a step by the rows that it writes, since it makes no call that a vendor could hold.
 * @returns `reach` lets it come to this very place and waits until it has; `release` lets whoever comes next go on
 */
export async function holdStep(
	tenantId: string,
	step: string,
	when: Held
): Promise<{ reach(): Promise<void>; release(): Promise<void> }> {
	const { id } = await db.provisioningStep.findFirstOrThrow({
		where: { name: step, job: { subjectId: tenantId } },
		select: { id: true }
	});
	const stepRow = () => lockRow('provisioning_steps', id);
	const held = [await stepRow()];
	const reach = async () => {
		// It is about to begin; from here on it meets the tenant's row.
		await held[0]!.isWaitedFor();
		held.push(await lockRow('tenant_deployments', tenantId));
		await held[0]!.release();
		await held[1]!.isWaitedFor();
		if (when === 'before') return;
		held.push(await stepRow());
		await held[1]!.release();
		await held[2]!.isWaitedFor();
	};
	return {
		reach,
		release: async () => {
			for (const row of held) await row.release();
		}
	};
}

interface LockedRow {
	/** Resolves when somebody else waits for this row. */
	isWaitedFor(): Promise<void>;
	release(): Promise<void>;
}

async function lockRow(table: string, id: string): Promise<LockedRow> {
	const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
	await client.connect();
	let open = true;
	const release = async () => {
		if (!open) return;
		open = false;
		await client.query('ROLLBACK');
		await client.end();
	};
	afterAll(release);
	await client.query('BEGIN');
	const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
	const pid = rows[0]!.pid;
	// Writers wait for it; whoever only refers to the row does not.
	await client.query(`SELECT 1 FROM ${table} WHERE id = $1 FOR NO KEY UPDATE`, [id]);
	return {
		isWaitedFor: async () => {
			await eventually(async () => {
				const waiting = await db.$queryRaw<object[]>`
					SELECT 1 FROM pg_stat_activity WHERE ${pid}::int = ANY(pg_blocking_pids(pid))`;
				return waiting.length > 0;
			}, 150);
		},
		release
	};
}
