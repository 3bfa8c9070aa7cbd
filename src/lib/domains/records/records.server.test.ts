import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testZone } from '../../../../tests/setup/zone.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { repairDrift } from '../../logs/drifts.server.ts';
import { applyChanges } from './applyRecordChanges.server.ts';
import { markOf } from './marks.ts';
import { requestFirstLooks } from './recordJobs.server.ts';
import { lookAtRecords } from './records.server.ts';

const { kernel, at, lead, written, published, gone, standing } = await testZone();

describe('a look', () => {
	test('says of each record whose it is and what is wrong with it', async () => {
		const right = await published('right');
		const wrong = await published('wrong');
		const beside = await published('beside');
		await published('absent');
		const early = await createUnplacedTenant(db, { slug: 'early' });
		await written('right.sajet.us', right.mark);
		await written('wrong.sajet.us', wrong.mark, { content: lead(randomUUID()) });
		await written('beside.sajet.us', beside.mark, { proxied: false });
		await written('early.sajet.us', markOf({ kind: 'tenant', id: early.id }));
		await written('old.sajet.us', gone());
		await written('moved.sajet.us', right.mark);
		await written('mail.sajet.us', null, { type: 'A', content: '192.0.2.7', proxied: false });
		await written('other.sajet.us', 'erpcore something else');
		await written('both.sajet.us', `${right.mark}, ${wrong.mark}`);
		await lookAtRecords();
		const rows = await db.zoneRecord.findMany({});
		expect(
			Object.fromEntries(rows.map(({ name, standing }) => [name.split('.')[0], standing]))
		).toEqual({
			...{ right: 'ours', wrong: 'differs', beside: 'differs', absent: 'missing', early: 'ours' },
			...{ old: 'orphan', moved: 'orphan', mail: 'foreign', other: 'foreign', both: 'foreign' }
		});
		const drifts = await db.drift.groupBy({ by: ['kind'], _count: true, orderBy: { kind: 'asc' } });
		expect(drifts.map(({ kind, _count }) => [kind, _count])).toEqual([
			['domains.record-differs', 2],
			['domains.record-missing', 1],
			['domains.record-orphan', 2]
		]);
		expect(await db.zoneLook.findFirst({})).toMatchObject({ name: 'sajet.us', error: null });
	});

	test('keeps a row’s id, and closes what it does not see again', async () => {
		const tenant = await published('acme');
		await written('acme.sajet.us', tenant.mark, { proxied: false });
		await written('old.sajet.us', gone());
		await lookAtRecords();
		const before = await db.zoneRecord.findFirstOrThrow({ where: { name: 'acme.sajet.us' } });
		at('acme.sajet.us')[0]!.proxied = true;
		await lookAtRecords();
		expect(await db.zoneRecord.findFirst({ where: { name: 'acme.sajet.us' } })).toMatchObject({
			id: before.id,
			standing: 'ours'
		});
		const open = await db.drift.findMany({ where: { closedAt: null } });
		expect(open.map(({ kind }) => kind)).toEqual(['domains.record-orphan']);
	});

	test('that fails keeps what was seen before, and says so', async () => {
		await written('old.sajet.us', gone());
		await lookAtRecords();
		const before = await db.zoneLook.findFirstOrThrow({});
		kernel.faults.add({
			...{ target: 'cloudflare', match: '^GET .*/dns_records', kind: 'status' },
			...{ status: 503, times: 3 }
		});
		await lookAtRecords('ana@example.com');
		const after = await db.zoneLook.findFirstOrThrow({});
		expect(after.lookedAt).toEqual(before.lookedAt);
		expect(after.error).toMatch(/\w/);
		expect(await standing('old.sajet.us')).toBe('orphan');
		expect(await db.drift.count({ where: { closedAt: null } })).toBe(1);
		const run = await db.reconcileRun.findFirstOrThrow({ orderBy: { startedAt: 'desc' } });
		expect(run).toMatchObject({ byLabel: 'ana@example.com' });
		expect(run.error).toContain('sajet.us');
	});

	test('of what the drivers need at a target says what is missing there', async () => {
		const base = await db.baseDomain.update({
			where: { name: 'sajet.us' },
			data: { driver: 'custom_hostname' }
		});
		await lookAtRecords();
		expect(await standing('customers.sajet.us')).toBe('missing');
		await written('customers.sajet.us', markOf({ kind: 'base', id: base.id }));
		await lookAtRecords();
		expect(await standing('customers.sajet.us')).toBe('ours');
		await db.baseDomain.update({ where: { name: 'sajet.us' }, data: { driver: 'account_cname' } });
		await lookAtRecords();
		expect(await standing('customers.sajet.us')).toBe('orphan');
	});
});

test('the repair of a difference asks for the same', async () => {
	await written('old.sajet.us', gone());
	await lookAtRecords();
	const drift = await db.drift.findFirstOrThrow({ where: { kind: 'domains.record-orphan' } });
	const by = { kind: 'staff' as const, id: null, label: 'ana@example.com' };
	expect(await repairDrift(drift.id, by)).toBe('asked');
	const change = await db.recordChange.findFirstOrThrow({});
	expect(change).toMatchObject({ act: 'delete', byLabel: 'ana@example.com', status: 'waiting' });
	await applyChanges(change.batchId);
	await lookAtRecords();
	expect(await db.drift.findUnique({ where: { id: drift.id } })).toMatchObject({ outcome: 'gone' });
});

test('a new installation asks for its first look, and no later start does', async () => {
	const waiting = async () => {
		const rows = await db.$queryRaw<{ name: string }[]>`
			SELECT name FROM pgboss.job WHERE state = 'created' AND name LIKE 'domains.%' ORDER BY name`;
		return rows.map(({ name }) => name);
	};
	const empty = () => db.$executeRaw`DELETE FROM pgboss.job WHERE name LIKE 'domains.%'`;
	await empty();
	await transaction(requestFirstLooks);
	expect(await waiting()).toEqual(['domains.look-at-records', 'domains.prepare-bases']);
	await empty();
	await lookAtRecords();
	await db.baseDomain.updateMany({ data: { preparedAt: new Date() } });
	await transaction(requestFirstLooks);
	expect(await waiting()).toEqual([]);
});
