import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { recorder } from './calls.server.ts';
import { writeLog } from './entries.server.ts';

await testDatabase();

const call = (key: string, changes = true) => ({
	vendor: 'cloudflare',
	operation: 'dns.create',
	key,
	request: { name: 'acme', api_token: 'secret' },
	changes
});
const rows = (key: string) =>
	db.vendorCall.findMany({ where: { key }, orderBy: { startedAt: 'asc' } });

describe('the recorder', () => {
	it('has committed the row before the request leaves, and completes it with the answer', async () => {
		const context = { jobId: randomUUID(), stepName: 'dns', subjectId: randomUUID() };
		const answer = await recorder(context)(call('a'), async () => {
			expect(await rows('a')).toMatchObject([
				{ ...context, status: 'pending', request: { name: 'acme', api_token: '[removed]' } }
			]);
			return { id: 7n, token: 'x' };
		});
		expect(answer).toEqual({ id: 7n, token: 'x' });
		expect(await rows('a')).toMatchObject([
			{
				status: 'succeeded',
				response: { id: '7', token: '[removed]' },
				attempts: 1,
				finishedAt: expect.any(Date)
			}
		]);
	});

	it('keeps the row although the transaction around it is rolled back', async () => {
		const record = recorder();
		const work = transaction(async () => {
			await record(call('b'), async () => 'done');
			throw new Error('rolled back');
		});
		await expect(work).rejects.toThrow('rolled back');
		expect(await rows('b')).toMatchObject([{ status: 'succeeded', response: 'done' }]);
	});

	it('tells a refusal from a lost answer, counts attempts, and throws on unchanged', async () => {
		const refused = new VendorError({
			vendor: 'cloudflare',
			operation: 'dns.create',
			message: 'taken',
			status: 400,
			code: '81057'
		});
		const lost = new VendorError({
			vendor: 'cloudflare',
			operation: 'dns.create',
			message: 'timeout',
			ambiguous: true
		});
		for (const error of [refused, lost, new TypeError('odd')]) {
			await expect(recorder()(call('c'), () => Promise.reject(error))).rejects.toBe(error);
		}
		expect(await rows('c')).toMatchObject([
			{ status: 'failed', httpStatus: 400, error: '81057: taken', attempts: 1 },
			{ status: 'unknown', error: 'timeout', attempts: 2 },
			{ status: 'unknown', error: 'TypeError: odd', attempts: 3 }
		]);
	});

	it('leaves no row of a call that only reads', async () => {
		expect(await recorder()(call('d', false), async () => 1)).toBe(1);
		expect(await rows('d')).toEqual([]);
	});
});

describe('log entries', () => {
	it('are kept without secrets and cut where they are very long', async () => {
		const jobId = randomUUID();
		await writeLog('provisioning', 'warning', 'm'.repeat(5_000), {
			jobId,
			data: { cookie: 'x', text: 't'.repeat(50_000) }
		});
		const [entry] = await db.logEntry.findMany({ where: { jobId } });
		expect(entry).toMatchObject({ source: 'provisioning', level: 'warning' });
		expect(entry?.message).toHaveLength(4_000);
		expect(JSON.stringify(entry?.data).length).toBeLessThan(40_000);
		expect(JSON.stringify(entry?.data)).toContain('[removed]');
	});
});
