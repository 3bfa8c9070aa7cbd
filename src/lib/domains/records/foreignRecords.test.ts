import { describe, expect, test } from 'vitest';
import type { DnsRecord } from '../../../sandbox/cloudflare/state.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testZone } from '../../../../tests/setup/zone.ts';
import { db } from '#lib/core/db.server.ts';
import { applyChanges } from './applyRecordChanges.server.ts';
import { markOf } from './marks.ts';
import { lookAtRecords } from './records.server.ts';

const { records, at, written, published, gone, batches, asked, results } = await testZone();

describe('what is not ours, or no longer so', () => {
	const others: [string, (record: DnsRecord) => void, string][] = [
		['lost its comment', (record) => (record.comment = null), 'refused not_ours'],
		['carries another mark', (record) => (record.comment = gone()), 'refused not_ours'],
		[
			'carries a second mark beside ours',
			(record) => (record.comment = `${record.comment} ${gone()}`),
			'refused not_ours'
		],
		['got another name', (record) => (record.name = 'new.sajet.us'), 'refused changed']
	];
	test.each(others)('an orphan that meanwhile %s stays as it is', async (_, meddle, expected) => {
		const record = await written('old.sajet.us', gone());
		await lookAtRecords();
		const batchId = await asked('old.sajet.us');
		meddle(record);
		const before = structuredClone(records());
		await applyChanges(batchId);
		expect(await results(batchId)).toEqual({ old: expected });
		expect(records()).toEqual(before);
		expect(batches()).toHaveLength(0);
	});

	test.each(others)(
		'one among many that meanwhile %s stays, while the others go',
		async (_, meddle, expected) => {
			const record = await written('old.sajet.us', gone());
			const more = ['bb1', 'bb2', 'bb3', 'bb4', 'bb5', 'bb6'];
			for (const name of more) await written(`${name}.sajet.us`, gone());
			await lookAtRecords();
			const batchId = await asked('old.sajet.us', ...more.map((name) => `${name}.sajet.us`));
			meddle(record);
			await applyChanges(batchId);
			expect(await results(batchId)).toMatchObject({ old: expected, bb1: 'done', bb6: 'done' });
			expect(records()).toEqual([record]);
		}
	);

	test('a foreign record with the same name and another mark is not put right', async () => {
		const tenant = await published('acme');
		const record = await written('acme.sajet.us', tenant.mark, { proxied: false });
		await lookAtRecords();
		const batchId = await asked('acme.sajet.us');
		record.comment = 'erpcore tenant of somebody else';
		await applyChanges(batchId);
		expect(await results(batchId)).toEqual({ acme: 'refused not_ours' });
		expect(at('acme.sajet.us')).toMatchObject([{ proxied: false }]);
	});

	test('a name that somebody has taken meanwhile is left to them', async () => {
		await published('acme');
		await lookAtRecords();
		const batchId = await asked('acme.sajet.us');
		const theirs = await written('acme.sajet.us', null, { type: 'A', content: '192.0.2.7' });
		await applyChanges(batchId);
		expect(await results(batchId)).toEqual({ acme: 'refused taken' });
		expect(records()).toEqual([theirs]);
	});

	test('an orphan that is wanted again, and a missing one that is not any more, are left', async () => {
		const back = await createUnplacedTenant(db, { slug: 'back' });
		await db.tenant.update({ where: { id: back.id }, data: { status: 'deleted' } });
		await written('back.sajet.us', markOf({ kind: 'tenant', id: back.id }));
		const leaves = await published('leaves');
		await lookAtRecords();
		const batchId = await asked('back.sajet.us', 'leaves.sajet.us');
		await db.tenant.update({ where: { id: back.id }, data: { status: 'active' } });
		await db.tenant.update({ where: { id: leaves.id }, data: { published: false } });
		await applyChanges(batchId);
		expect(await results(batchId)).toEqual({ back: 'refused wanted', leaves: 'refused unwanted' });
		expect(at('back.sajet.us')).toHaveLength(1);
		expect(at('leaves.sajet.us')).toEqual([]);
	});

	test('what somebody has deleted or put right already counts as done', async () => {
		const tenant = await published('acme');
		const record = await written('acme.sajet.us', tenant.mark, { proxied: false });
		await written('old.sajet.us', gone());
		await lookAtRecords();
		const batchId = await asked('acme.sajet.us', 'old.sajet.us');
		record.proxied = true;
		records().splice(records().indexOf(at('old.sajet.us')[0]!), 1);
		await applyChanges(batchId);
		expect(await results(batchId)).toEqual({ acme: 'done', old: 'done' });
		expect(batches()).toHaveLength(0);
	});
});
