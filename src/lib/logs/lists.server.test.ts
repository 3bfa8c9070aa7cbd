import { describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { audit, SYSTEM } from './audit.server.ts';
import { auditedAreas, listAudit } from './auditList.server.ts';
import { calledVendors, listCalls } from './callList.server.ts';
import { writeLog } from './entries.server.ts';
import { listEntries } from './entryList.server.ts';

await testDatabase();

const page = { q: '', page: 1, pageSize: 2, cursor: null };
const JOB = '01a1fbab-321f-7229-8bd9-1c0ea4f60fb0';

describe('lists of the logs', () => {
	it('pages through calls by cursor, each once, the newest first', async () => {
		const operations = ['a', 'b', 'c', 'd', 'e'];
		for (const [at, operation] of operations.entries()) {
			await db.vendorCall.create({
				data: { vendor: 'proxmox', operation, startedAt: new Date(Date.UTC(2026, 0, at + 1)) }
			});
		}
		const seen: string[] = [];
		let cursor: string | null = null;
		do {
			const { rows, meta } = await listCalls(db, { ...page, cursor, filters: {} });
			seen.push(...rows.map(({ operation }) => operation));
			expect(meta.total).toBe(5);
			cursor = meta.next;
		} while (cursor);
		expect(seen).toEqual(operations.toReversed());
	});

	it('finds calls by vendor, result, words and run', async () => {
		const data = { vendor: 'stripe', operation: 'refunds.create', key: 'refund:100%', jobId: JOB };
		const { id } = await db.vendorCall.create({ data: { ...data, status: 'failed' } });
		const found = async (query: Partial<Parameters<typeof listCalls>[1]>) =>
			(await listCalls(db, { ...page, filters: {}, ...query })).rows.map((row) => row.id);
		expect(await found({ filters: { vendor: 'stripe' } })).toEqual([id]);
		expect(await found({ filters: { status: 'failed' } })).toEqual([id]);
		expect(await found({ q: '100%' })).toEqual([id]);
		expect(await found({ q: '%' })).toEqual([id]);
		expect(await found({ about: { jobIds: [JOB], subjectIds: [] } })).toEqual([id]);
		expect(await found({ about: { jobIds: [], subjectIds: [] } })).toEqual([]);
		expect(await calledVendors(db)).toEqual(['proxmox', 'stripe']);
	});

	it('shows a level and what is worse, of a source, of some days', async () => {
		for (const level of ['debug', 'info', 'warning', 'error'] as const)
			await writeLog('provisioning', level, `line of ${level}`);
		const found = async (filters: Record<string, string>) =>
			(await listEntries(db, { ...page, pageSize: 10, filters })).rows.map(({ level }) => level);
		expect(await found({ level: 'warning' })).toEqual(['error', 'warning']);
		expect(await found({ source: 'system' })).toEqual([]);
		expect(await found({ from: '2000-01-01', to: '2000-01-02' })).toEqual([]);
		// A mistyped day is no filter, and no error.
		expect(await found({ from: '2000-13-77' })).toHaveLength(4);
	});

	it('tells what was done to a thing, by whom', async () => {
		for (const id of ['one', 'two'])
			await audit(db, {
				actor: SYSTEM,
				action: 'tenants.suspend',
				subject: { type: 'tenant', id }
			});
		const { rows } = await listAudit(db, { ...page, filters: {}, q: ' two' });
		expect(rows).toMatchObject([{ subjectId: 'two', actorLabel: 'system', sequence: null }]);
		expect((await listAudit(db, { ...page, filters: { area: 'billing' } })).rows).toEqual([]);
		expect((await listAudit(db, { ...page, q: 'SYSTEM', filters: {} })).meta.total).toBe(2);
		expect(await auditedAreas(db)).toEqual(['tenants']);
	});
});
