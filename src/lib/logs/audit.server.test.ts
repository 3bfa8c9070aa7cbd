import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { SYSTEM, audit, sealAudit, verifyAudit } from './audit.server.ts';

await testDatabase();

const PATIENT = { timeout: 20_000 };

const note = (action: string, after?: unknown) =>
	audit(db, { actor: SYSTEM, action, subject: { type: 'test', id: '1' }, after });

const unsealed = () =>
	db.auditEntry.findMany({ where: { sequence: null }, select: { action: true } });

/**
 * Seals until nothing is left. What PostgreSQL calls running are the transactions of the whole server, other tests'
 * too: one sealing may leave for the next what another database has not ended.
 * @returns how many were sealed
 */
async function sealAll(): Promise<number> {
	let sealed = 0;
	await expect
		.poll(async () => {
			sealed += await sealAudit();
			return unsealed();
		}, PATIENT)
		.toEqual([]);
	return sealed;
}

describe('the audit log', () => {
	it('strips secrets, and cannot be changed or deleted', async () => {
		await note('tests.secret', {
			name: 'x',
			password: 'hunter2',
			nested: { api_token: 'abc', at: new Date(0) }
		});
		const row = await db.auditEntry.findFirstOrThrow({ where: { action: 'tests.secret' } });
		expect(row.after).toEqual({
			name: 'x',
			password: '[removed]',
			nested: { api_token: '[removed]', at: '1970-01-01T00:00:00.000Z' }
		});
		await expect(
			db.auditEntry.update({ where: { id: row.id }, data: { action: 'other' } })
		).rejects.toThrow('append-only');
		await expect(db.auditEntry.delete({ where: { id: row.id } })).rejects.toThrow('append-only');
	});

	it('seals in order, leaves out what may still be overtaken, and verifies', async () => {
		await note('tests.first');
		let release = () => undefined as void;
		const held = new Promise<void>((resolve) => (release = resolve));
		const running = transaction(async (tx) => {
			await audit(tx, { actor: SYSTEM, action: 'tests.slow', subject: { type: 'test' } });
			await held;
		});
		await expect
			.poll(
				() =>
					db.$queryRaw`SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()`
			)
			.toHaveLength(1);
		await note('tests.after');
		await expect
			.poll(async () => {
				await sealAudit();
				return unsealed();
			}, PATIENT)
			.toEqual([{ action: 'tests.after' }]);
		release();
		await running;
		expect(await sealAll()).toBe(2);
		expect(await sealAudit()).toBe(0);
		expect(await verifyAudit()).toMatchObject({ intact: true, count: await db.auditEntry.count() });
	});

	it('seals once when two do it at the same time', async () => {
		for (let i = 0; i < 20; i++) await note(`tests.many`);
		const counts = await Promise.all([sealAudit(), sealAudit(), sealAudit()]);
		expect(counts.reduce((sum, count) => sum + count, 0) + (await sealAll())).toBe(20);
		expect((await verifyAudit()).intact).toBe(true);
	});

	it('shows what was changed, removed or put in behind the triggers', async () => {
		await note('tests.tampered');
		await note('tests.last');
		await sealAll();
		const row = await db.auditEntry.findFirstOrThrow({ where: { action: 'tests.tampered' } });
		const tamper = (sql: string) =>
			transaction(async (tx) => {
				await tx.$executeRawUnsafe('ALTER TABLE audit_log DISABLE TRIGGER USER');
				await tx.$executeRawUnsafe(sql);
				await tx.$executeRawUnsafe('ALTER TABLE audit_log ENABLE TRIGGER USER');
			});
		await tamper(`UPDATE audit_log SET actor_label = 'somebody' WHERE id = '${row.id}'`);
		expect(await verifyAudit()).toMatchObject({
			intact: false,
			brokenAt: row.sequence,
			reason: 'content'
		});
		await tamper(`UPDATE audit_log SET actor_label = 'system' WHERE id = '${row.id}'`);
		expect((await verifyAudit()).intact).toBe(true);
		await tamper(`DELETE FROM audit_log WHERE id = '${row.id}'`);
		expect(await verifyAudit()).toMatchObject({
			intact: false,
			brokenAt: row.sequence,
			reason: 'gap'
		});
	});
});
