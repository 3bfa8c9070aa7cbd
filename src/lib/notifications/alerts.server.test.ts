import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { createStaff } from '../../../tests/factories/identity.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { forgetSettings } from '#lib/settings/settings.server.ts';
import { countAlerts, listAlerts, openAlerts } from './alertList.server.ts';
import { acknowledgeAlert, closeAlert, openAlert } from './alerts.server.ts';
import { tellWhatWasSilenced } from './alerts/silences.server.ts';
import './jobs.server.ts';
import { notify } from './notifications.server.ts';

await testDatabase();
await testQueue({ work: false });

const subject = { rule: 'tests.broken', subjectType: 'node', subjectId: 'n1' };
const open = async (severity: 'warning' | 'critical' = 'warning', data = {}) =>
	(await transaction((tx) => openAlert(tx, { ...subject, severity, data })))!;

const ONE_PAGE = {
	...{ page: 1, pageSize: 25, cursor: null },
	sort: { direction: 'desc' as const }
};

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

it('mails a new alert to the staff mailbox once, and to nobody without one', async () => {
	const node = { rule: 'infrastructure.node-offline', subjectType: 'node', subjectId: 'n2' };
	const offline = () =>
		transaction((tx) => openAlert(tx, { ...node, severity: 'critical', data: { node: 'pve2' } }));
	await offline();
	expect(await db.emailMessage.count()).toBe(0);
	await db.alert.deleteMany();
	await db.setting.create({
		data: {
			key: 'notifications.staff_address',
			category: 'notifications',
			value: 'guardia@example.com'
		}
	});
	forgetSettings();
	await offline();
	await offline();
	const mails = await db.emailMessage.findMany();
	expect(mails.map(({ locale }) => locale)).toEqual(['es']);
	expect(mails).toMatchObject([
		{
			template: 'alert',
			toAddress: 'guardia@example.com',
			data: { sentence: expect.stringContaining('pve2'), url: expect.stringMatching(/\/admin\//) }
		}
	]);
	expect(mails[0]!.subject).toContain('pve2');
});

it('mails in the language of whoever has the address, else in that of the installation', async () => {
	const address = 'guardia@example.com';
	const value = async (key: string, category: string, text: string) => {
		await db.setting.upsert({
			where: { key },
			create: { key, category, value: text },
			update: { value: text }
		});
		forgetSettings();
	};
	const languageOf = async (subjectId: string) => {
		await transaction((tx) =>
			openAlert(tx, {
				...{ rule: 'infrastructure.node-offline', subjectType: 'node', subjectId },
				...{ severity: 'critical', data: { node: 'pve2' } }
			})
		);
		const [mail] = await db.emailMessage.findMany({ orderBy: { createdAt: 'desc' }, take: 1 });
		return mail!.locale;
	};
	await value('notifications.staff_address', 'notifications', 'Guardia@example.com');
	await value('general.locale', 'general', 'en');
	expect(await languageOf('l1')).toBe('en');
	const { id } = await createStaff('administrator');
	await db.user.update({ where: { id }, data: { email: address, locale: 'es' } });
	expect(await languageOf('l2')).toBe('es');
	await value('general.locale', 'general', 'es');
});

it('closes what is open, and opens a new one after that', async () => {
	const first = await open();
	expect(await transaction((tx) => closeAlert(tx, subject))).toBe(true);
	expect(await transaction((tx) => closeAlert(tx, subject))).toBe(false);
	const second = await open();
	expect(second.id).not.toBe(first.id);
});

describe('an alert that somebody takes on', () => {
	const ana = { kind: 'staff' as const, id: null, label: 'ana@example.com' };
	const take = (id: string, note: string | null = null) =>
		transaction((tx) => acknowledgeAlert(tx, id, { by: ana, note }));

	it('stays open, remembers who and why, and is in the audit log', async () => {
		const { id } = await open();
		await take(id, 'Voy a la sala');
		expect(await db.alert.findUniqueOrThrow({ where: { id } })).toMatchObject({
			closedAt: null,
			acknowledgedAt: expect.any(Date),
			acknowledgedName: 'ana@example.com',
			acknowledgedNote: 'Voy a la sala'
		});
		const [entry] = await db.auditEntry.findMany({ where: { subjectId: id } });
		expect(entry).toMatchObject({
			action: 'notifications.acknowledge',
			actorLabel: 'ana@example.com',
			after: { rule: 'tests.broken', subject: 'node n1', note: 'Voy a la sala' }
		});
	});

	it('is quiet while its cause lasts, and news when it comes back', async () => {
		const { id } = await open();
		await take(id);
		const again = await open('warning', { used: 99 });
		expect(again).toEqual({ id, isNew: false });
		expect(await db.notification.count()).toBe(1);
		expect((await db.alert.findUniqueOrThrow({ where: { id } })).acknowledgedAt).not.toBeNull();

		await transaction((tx) => closeAlert(tx, subject));
		const back = await open();
		expect(await db.notification.count()).toBe(2);
		const found = await db.alert.findUniqueOrThrow({ where: { id: back.id } });
		expect(found.acknowledgedAt).toBeNull();
	});

	it('is news once it has become worse, and stays as serious as that until it closes', async () => {
		const { id } = await open();
		await take(id);
		const now = () => db.alert.findUniqueOrThrow({ where: { id } });
		for (const severity of ['critical', 'critical', 'warning'] as const) await open(severity);
		expect(await now()).toMatchObject({
			...{ severity: 'critical', escalatedAt: expect.any(Date) },
			acknowledgedAt: expect.any(Date)
		});
		const told = await db.notification.findMany({ orderBy: { createdAt: 'asc' } });
		expect(told.map(({ dedupeKey, severity }) => [dedupeKey, severity])).toEqual([
			[`alert:${id}`, 'warning'],
			[`alert:${id}:escalated`, 'error']
		]);
		// Silenced from the beginning, it is told as what it has become when the silence ends.
		await transaction((tx) => closeAlert(tx, subject));
		await db.notification.deleteMany();
		const until = new Date(Date.now() + 3_600_000);
		const silence = { rule: subject.rule, reason: 'Obras', byLabel: 'ana', until };
		await db.alertSilence.create({ data: silence });
		for (const severity of ['warning', 'critical'] as const) await open(severity);
		expect(await db.notification.count()).toBe(0);
		await db.alertSilence.deleteMany();
		await transaction(tellWhatWasSilenced);
		expect(await db.notification.findMany()).toMatchObject([{ severity: 'error' }]);
	});

	it('belongs to the first who takes it, while it is open', async () => {
		const { id } = await open();
		const both = await Promise.allSettled([take(id, 'uno'), take(id, 'dos')]);
		expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
		expect(await db.auditEntry.count({ where: { subjectId: id } })).toBe(1);
		await expect(take(id)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });

		await transaction((tx) => closeAlert(tx, subject));
		const other = await open();
		await transaction((tx) => closeAlert(tx, subject));
		await expect(take(other.id)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
		await expect(take(randomUUID())).rejects.toMatchObject({ code: 'NOT_FOUND' });
	});

	it('is listed apart, and last on the dashboard', async () => {
		const calm = await open('warning', { node: 'pve-7' });
		const other = { ...subject, subjectId: 'n2' };
		const bad = await transaction((tx) => openAlert(tx, { ...other, severity: 'critical' }));
		const gone = { ...subject, subjectId: 'n3' };
		const past = await transaction((tx) => openAlert(tx, { ...gone, severity: 'info' }));
		await transaction((tx) => closeAlert(tx, gone));
		await take(bad!.id, 'ya lo vi');
		const ids = async (filters: Record<string, string>, q = '') => {
			const query = { ...ONE_PAGE, q, filters };
			return (await listAlerts(db, query)).rows.map((row) => row.id);
		};
		expect(await ids({})).toEqual([calm.id]);
		expect(await ids({ state: 'acknowledged' })).toEqual([bad!.id]);
		expect(await ids({ state: 'closed' })).toEqual([past!.id]);
		expect(await ids({ severity: 'critical' })).toEqual([]);
		expect(await ids({ state: 'acknowledged', severity: 'critical' }, 'YA LO')).toEqual([bad!.id]);
		expect(await ids({}, 'pve-7')).toEqual([calm.id]);
		expect(await ids({ to: '2000-01-01' })).toEqual([]);
		expect((await openAlerts(db, 8)).map((row) => row.id)).toEqual([calm.id, bad!.id]);
		expect(await countAlerts(db)).toEqual({ open: 2, acknowledged: 1 });
	});
});

it('says a thing once under one key, and goes on with the transaction', async () => {
	const { id: customerId } = await aCustomer();
	const told = await transaction(async (tx) => {
		const said = { customerId, kind: 'ready', severity: 'success' as const, dedupeKey: 'ready:1' };
		return [await notify(tx, said), await notify(tx, said), await tx.notification.count()];
	});
	expect(told).toEqual([true, false, 1]);
});
