import { beforeEach, expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { closeAlert, openAlert } from './alerts.server.ts';
import { notify } from './notifications.server.ts';

await testDatabase();

const subject = { rule: 'tests.broken', subjectType: 'node', subjectId: 'n1' };
const open = (severity: 'warning' | 'critical' = 'warning', data = {}) =>
	transaction((tx) => openAlert(tx, { ...subject, severity, data }));

beforeEach(async () => {
	await db.alert.deleteMany();
	await db.notification.deleteMany();
});

it('keeps one open alert of a rule and subject, with the latest facts', async () => {
	const first = await open('warning', { used: 80 });
	const second = await open('critical', { used: 99 });
	expect([first.isNew, second.isNew]).toEqual([true, false]);
	expect(await db.alert.findMany()).toMatchObject([
		{ id: first.id, severity: 'critical', data: { used: 99 }, closedAt: null }
	]);
});

it('opens one when many see the same thing at once', async () => {
	const opened = await Promise.all(Array.from({ length: 5 }, () => open()));
	expect(opened.filter(({ isNew }) => isNew)).toHaveLength(1);
	expect(await db.alert.count()).toBe(1);
});

it('tells staff of a new alert once', async () => {
	const { id } = await open();
	await open();
	expect(await db.notification.findMany()).toMatchObject([
		{ permission: 'notifications:read', kind: 'tests.broken', dedupeKey: `alert:${id}` }
	]);
});

it('closes what is open, and opens a new one after that', async () => {
	const first = await open();
	expect(await transaction((tx) => closeAlert(tx, subject))).toBe(true);
	expect(await transaction((tx) => closeAlert(tx, subject))).toBe(false);
	const second = await open();
	expect(second.id).not.toBe(first.id);
});

it('says a thing once under one key, and goes on with the transaction', async () => {
	const { id: customerId } = await aCustomer();
	const told = await transaction(async (tx) => {
		const said = { customerId, kind: 'ready', severity: 'success' as const, dedupeKey: 'ready:1' };
		return [await notify(tx, said), await notify(tx, said), await tx.notification.count()];
	});
	expect(told).toEqual([true, false, 1]);
});
