import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import type { Fault } from '../../../sandbox/kernel/faults.ts';
import { testZone } from '../../../../tests/setup/zone.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { SYSTEM } from '../../logs/audit.server.ts';
import { applyChanges } from './applyRecordChanges.server.ts';
import { askForChanges, retryChange } from './recordChanges.server.ts';
import { lookAtRecords } from './records.server.ts';

const { kernel, records, at, lead, written, published, gone, batches, asked, results, changed } =
	await testZone();

describe('a batch', () => {
	test('deletes orphans, creates what is missing and puts right what differs, in one call', async () => {
		const wrong = await published('wrong');
		const absent = await published('absent');
		await written('wrong.sajet.us', wrong.mark, { content: lead(randomUUID()), proxied: false });
		await written('old.sajet.us', gone());
		const foreign = await written('mail.sajet.us', null, { type: 'A', content: '192.0.2.7' });
		await lookAtRecords();
		const done = await changed(
			...['wrong', 'absent', 'old', 'mail'].map((name) => `${name}.sajet.us`)
		);
		expect(done).toEqual({ wrong: 'done', absent: 'done', old: 'done' });
		expect(batches()).toHaveLength(1);
		expect(at('wrong.sajet.us')).toMatchObject([
			{ content: lead(), proxied: true, comment: wrong.mark }
		]);
		expect(at('absent.sajet.us')).toMatchObject([
			{ content: lead(), proxied: true, comment: absent.mark }
		]);
		expect(at('old.sajet.us')).toEqual([]);
		expect(at('mail.sajet.us')).toEqual([foreign]);
		expect(await db.dnsRecord.findFirst({ where: { tenantId: absent.id } })).toMatchObject({
			cloudflareId: at('absent.sajet.us')[0]!.id,
			deletedAt: null
		});
		// What the page shows is true at once, and the next look agrees.
		const shown = () => db.zoneRecord.findMany({ orderBy: { name: 'asc' } });
		const before = await shown();
		expect(before.map(({ standing }) => standing)).toEqual(['ours', 'foreign', 'ours']);
		await lookAtRecords();
		expect((await shown()).map(({ id, standing }) => [id, standing])).toEqual(
			before.map(({ id, standing }) => [id, standing])
		);
		expect(await db.drift.count({ where: { closedAt: null } })).toBe(0);
	});

	test('of 450 records goes in calls of 200', async () => {
		const first = await written('old0.sajet.us', gone());
		for (let number = 0; number < 450; number++)
			records().push({
				...{ ...first, id: randomUUID().replaceAll('-', ''), comment: gone() },
				name: `old-${number}.sajet.us`
			});
		await lookAtRecords();
		const rows = await db.zoneRecord.findMany({ where: { name: { startsWith: 'old-' } } });
		const { batchId, count } = await transaction((tx) =>
			askForChanges(
				tx,
				rows.map(({ id }) => id),
				SYSTEM
			)
		);
		expect(count).toBe(450);
		await applyChanges(batchId);
		expect(batches()).toHaveLength(3);
		expect(await db.recordChange.count({ where: { batchId, status: 'done' } })).toBe(450);
		expect(records().map(({ name }) => name)).toEqual(['old0.sajet.us']);
	});

	test('that one record spoils is carried out for the others, and says of the one why', async () => {
		const names = ['aa1', 'aa2', 'aa3', 'aa4', 'aa5', 'aa6', 'aa7'];
		for (const slug of names) await published(slug);
		await lookAtRecords();
		const batchId = await asked(...names.map((name) => `${name}.sajet.us`));
		// Cloudflare refuses this one for a reason that no look could tell.
		kernel.faults.add({
			...{ target: 'cloudflare', match: '^POST .*/batch$', kind: 'status', status: 400, times: 9 },
			body: JSON.stringify({
				success: false,
				errors: [{ code: 9_000, message: 'DNS name is invalid.' }],
				messages: [],
				result: null
			}),
			only: (_line, context) => context.includes('aa5.sajet.us')
		});
		await applyChanges(batchId);
		expect(await results(batchId)).toEqual({
			...Object.fromEntries(names.map((name) => [name, 'done'])),
			aa5: 'failed'
		});
		const failed = await db.recordChange.findFirstOrThrow({ where: { status: 'failed' } });
		expect(failed.error).toBe('DNS name is invalid.');
		expect(at('aa5.sajet.us')).toEqual([]);
		kernel.faults.clear();
		await transaction((tx) => retryChange(tx, failed.id, SYSTEM));
		await applyChanges(batchId);
		expect((await results(batchId)).aa5).toBe('done');
		await expect(transaction((tx) => retryChange(tx, failed.id, SYSTEM))).rejects.toThrow(AppError);
	});

	const kinds: [Fault['kind'], Fault['when']][] = (
		['status', 'timeout', 'reset', 'malformed'] as const
	).flatMap((kind): [Fault['kind'], Fault['when']][] => [
		[kind, 'before'],
		[kind, 'after']
	]);
	test.each(kinds)(
		'whose call answers %s, %s its effect: the next try ends it, and nothing twice',
		async (kind, when) => {
			await published('absent');
			await written('old.sajet.us', gone());
			await lookAtRecords();
			const batchId = await asked('absent.sajet.us', 'old.sajet.us');
			kernel.faults.add({ target: 'cloudflare', match: '^POST .*/batch$', kind, when });
			await expect(applyChanges(batchId)).rejects.toThrow();
			expect(await results(batchId)).toEqual({ absent: 'waiting', old: 'waiting' });
			expect((await db.recordChange.findFirst({}))?.error).toMatch(/\w/);
			await applyChanges(batchId);
			expect(await results(batchId)).toEqual({ absent: 'done', old: 'done' });
			expect(at('absent.sajet.us')).toHaveLength(1);
			expect(at('old.sajet.us')).toEqual([]);
			expect(batches()).toHaveLength(when === 'before' ? 2 : 1);
		}
	);

	test('without the right to edit says so of each, and may be tried again', async () => {
		await written('old.sajet.us', gone());
		await lookAtRecords();
		const { tokens } = cloudflareDocument(kernel).get();
		const scopes = tokens[0]!.scopes;
		tokens[0]!.scopes = scopes.filter((scope) => scope !== 'dns:edit');
		expect(await changed('old.sajet.us')).toEqual({ old: 'failed' });
		tokens[0]!.scopes = scopes;
		const { id, batchId } = await db.recordChange.findFirstOrThrow({});
		await transaction((tx) => retryChange(tx, id, SYSTEM));
		await applyChanges(batchId);
		expect(at('old.sajet.us')).toEqual([]);
	});

	test('asked for twice is done once; of what is fine or foreign nothing can be asked', async () => {
		const tenant = await published('acme');
		await written('acme.sajet.us', tenant.mark);
		await written('old.sajet.us', gone());
		await written('mail.sajet.us', null, { type: 'A', content: '192.0.2.7' });
		await lookAtRecords();
		const rows = await db.zoneRecord.findMany({ orderBy: { name: 'asc' } });
		const ids = rows.map(({ id }) => id);
		const ask = () => transaction((tx) => askForChanges(tx, ids, SYSTEM));
		expect(await ask()).toMatchObject({ count: 1, left: 2 });
		expect(await ask()).toMatchObject({ count: 0, left: 3 });
		expect(await db.recordChange.count()).toBe(1);
	});
});
