import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { HOUR, MINUTE, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import type { AlertRule } from '#prisma/generated/client.ts';
import { countSilenced, listAlerts } from '../alertList.server.ts';
import { acknowledgeAlert, openAlert } from '../alerts.server.ts';
import '../jobs.server.ts';
import { notificationSentence } from '../sentences.ts';
import { defineAlertMetric, type AlertReading } from './alertMetrics.server.ts';
import { evaluateAlerts } from './evaluate.server.ts';
import { addRule, editRule, removeRule } from './rules.server.ts';
import { addSilence, endSilence } from './silences.server.ts';
import { silenceForm } from './silenceForms.ts';

await testDatabase();
await testQueue({ work: false });

const by = { ...SYSTEM, label: 'ana@example.com' };
let readings: AlertReading[] = [];
let states: AlertReading[] = [];
defineAlertMetric({
	...{ name: 'tests.load', unit: 'percent', subjectType: 'node', worse: 'above', hasHistory: true },
	read: () => Promise.resolve(readings)
});
defineAlertMetric({
	...{ name: 'tests.down', unit: 'yes_no', subjectType: 'node', worse: 'above', hasHistory: false },
	read: () => Promise.resolve(states)
});

const TERMS = {
	...{ threshold: 80, samples: 3, hysteresis: 5 },
	...{ severity: 'warning' as const, criticalAt: 95 },
	...{ enabled: true, channels: ['web' as const] }
};
let rule: AlertRule;

/** What the next look sees of one node. */
async function look(values: number[] | null, more: Partial<AlertReading> = {}) {
	readings = [{ subjectId: 'n1', name: 'pve1', values, ...more }];
	await evaluateAlerts();
	return db.alert.findFirst({ where: { rule: rule.key, closedAt: null } });
}
const told = () => db.notification.findMany({ orderBy: { createdAt: 'asc' } });
const edit = (change: Partial<typeof TERMS>, seen = rule.revision) =>
	transaction((tx) => editRule(tx, rule.id, { seen, input: { ...TERMS, ...change }, by }));

beforeEach(async () => {
	setClockOffset(0);
	[readings, states] = [[], []];
	await db.alert.deleteMany();
	await db.notification.deleteMany();
	await db.alertSilence.deleteMany();
	await db.alertRule.deleteMany();
	rule = await transaction((tx) => addRule(tx, 'tests.load', { input: TERMS, by }));
});
afterEach(() => setClockOffset(0));

describe('an alert of a rule', () => {
	it('opens once, is refreshed without being told again, and closes by itself', async () => {
		expect(await look([70, 70, 70])).toBeNull();
		const opened = await look([85, 85, 85]);
		expect(opened).toMatchObject({
			...{ severity: 'warning', subjectType: 'node', subjectId: 'n1' },
			data: { metric: 'tests.load', subject: 'pve1', value: 85, threshold: 80 }
		});
		const again = await look([91.24, 88, 85]);
		expect(again).toMatchObject({ id: opened!.id, data: { value: 91.2 } });
		expect(await told()).toHaveLength(1);
		expect(notificationSentence(rule.key, again!.data, { locale: 'en' })).toMatch(
			/pve1.*91\.2.*limit: 80/
		);
		expect(await look([78, 78, 78])).not.toBeNull();
		expect(await look([70, 78, 70])).not.toBeNull();
		expect(await look([70, 70, 70])).toBeNull();
		expect(await told()).toHaveLength(1);
	});

	it('does not flap with a value that goes up and down around the threshold', async () => {
		let series = [85, 85, 85];
		await look(series);
		for (let step = 0; step < 20; step++) {
			series = [step % 2 ? 83 : 74, ...series].slice(0, 3);
			expect(await look(series)).not.toBeNull();
		}
		expect(await db.alert.count()).toBe(1);
		expect(await told()).toHaveLength(1);
		await look([70, 70, 70]);
		for (let step = 0; step < 20; step++) {
			series = [step % 2 ? 74 : 83, ...series].slice(0, 3);
			expect(await look(series)).toBeNull();
		}
	});

	it('becomes critical once, is told again once, and stays so until it is over', async () => {
		const opened = await look([85, 85, 85]);
		await transaction((tx) => acknowledgeAlert(tx, opened!.id, { by, note: null }));
		const worse = await look([97, 97, 97]);
		expect(worse).toMatchObject({ severity: 'critical', escalatedAt: expect.any(Date) });
		await look([85, 85, 85]);
		const last = await look([99, 99, 99]);
		expect(last).toMatchObject({ severity: 'critical', escalatedAt: worse!.escalatedAt });
		expect((await told()).map(({ severity }) => severity)).toEqual(['warning', 'error']);
	});

	it('becomes critical by its trend', async () => {
		await look([85, 85, 85], { daysLeft: 20 });
		expect(await look([85, 85, 85], { daysLeft: 2 })).toMatchObject({ severity: 'critical' });
	});

	it('neither opens nor closes while nothing is known, and says so', async () => {
		expect(await look(null)).toBeNull();
		await look([85, 85, 85]);
		const unknown = await look(null);
		expect(unknown).toMatchObject({ data: { value: 85, unknownSince: expect.any(String) } });
		expect((await look(null))!.data).toEqual(unknown!.data);
		expect((await look([85, 85, 85]))!.data).not.toHaveProperty('unknownSince');
	});

	it('closes when its subject is gone, its rule is switched off, or taken away', async () => {
		await look([85, 85, 85]);
		readings = [];
		await evaluateAlerts();
		expect(await db.alert.count({ where: { closedAt: null } })).toBe(0);

		await look([85, 85, 85]);
		rule = await edit({ enabled: false });
		expect(await db.alert.count({ where: { closedAt: null } })).toBe(0);
		expect(await look([85, 85, 85])).toBeNull();

		rule = await edit({ enabled: true });
		await look([85, 85, 85]);
		await transaction((tx) => removeRule(tx, rule.id, by));
		expect(await db.alert.count({ where: { closedAt: null } })).toBe(0);
	});

	it('is one when two workers look at the same time', async () => {
		readings = ['n1', 'n2'].map((id) => ({ subjectId: id, name: id, values: [90, 90, 90] }));
		await Promise.all([evaluateAlerts(), evaluateAlerts(), evaluateAlerts()]);
		expect(await db.alert.count()).toBe(2);
		expect(await told()).toHaveLength(2);
		readings = readings.map((one) => ({ ...one, values: [99, 99, 99] }));
		await Promise.all([evaluateAlerts(), evaluateAlerts()]);
		expect(await told()).toHaveLength(4);
	});

	it('of many at once are told as one, and listed one by one', async () => {
		const all = (values: number[]) =>
			Array.from({ length: 50 }, (_, n) => ({ subjectId: `n${n}`, name: `pve${n}`, values }));
		readings = all([90, 90, 90]);
		await evaluateAlerts();
		expect(await db.alert.count({ where: { closedAt: null } })).toBe(50);
		const [one, ...others] = await told();
		expect(others).toEqual([]);
		expect(one).toMatchObject({
			...{ kind: 'alerts_many', href: `/admin/alerts?rule=${rule.key}`, severity: 'warning' }
		});
		expect(notificationSentence(one!.kind, one!.data, { locale: 'en' })).toMatch(/^50 alerts.*80/);
		readings = all([99, 99, 99]);
		await evaluateAlerts();
		expect(await told()).toHaveLength(2);
		readings = all([10, 10, 10]);
		await evaluateAlerts();
		expect(await db.alert.count({ where: { closedAt: null } })).toBe(0);
	});

	it('that the code has opened is governed by its rule as well', async () => {
		const down = await transaction((tx) =>
			addRule(tx, 'tests.down', { input: { ...TERMS, severity: 'critical' }, by })
		);
		const open = () =>
			transaction((tx) =>
				openAlert(tx, {
					...{ rule: down.key, subjectType: 'node', subjectId: 'n9' },
					severity: 'critical'
				})
			);
		const opened = await open();
		// The row that the metric reads says so a moment later: a new one is left alone.
		await evaluateAlerts();
		expect((await open())!.id).toBe(opened!.id);
		setClockOffset(2 * MINUTE);
		states = [{ subjectId: 'n9', name: 'pve9', values: [0] }];
		await evaluateAlerts();
		expect(await db.alert.count({ where: { rule: down.key, closedAt: null } })).toBe(0);
		await transaction((tx) =>
			editRule(tx, down.id, {
				...{ seen: down.revision, by },
				input: { ...TERMS, severity: 'critical', enabled: false }
			})
		);
		expect(await open()).toBeNull();
	});

	it('of one rule is not lost because another cannot be read', async () => {
		await db.alertRule.create({
			data: { key: 'a.broken', metric: 'tests.broken', severity: 'info', channels: [] }
		});
		defineAlertMetric({
			...{ name: 'tests.broken', unit: 'yes_no', subjectType: 'node' },
			...{ worse: 'above', hasHistory: false },
			read: () => Promise.reject(new Error('the table is gone'))
		});
		readings = [{ subjectId: 'n1', name: 'pve1', values: [90, 90, 90] }];
		await expect(evaluateAlerts()).rejects.toThrow('the table is gone');
		expect(await db.alert.count({ where: { rule: rule.key } })).toBe(1);
	});
});

describe('a silence', () => {
	const silence = (of: { rule?: string; subject?: string }, hours = 2) =>
		transaction((tx) =>
			addSilence(tx, silenceForm.parse({ ...of, hours: String(hours), reason: 'obras' }), by)
		);
	const page = { page: 1, pageSize: 25, cursor: null, q: '', sort: { direction: 'desc' as const } };
	const listed = async (state: string) =>
		(await listAlerts(db, { ...page, filters: { state } })).rows;

	it.each([
		['of the rule', () => ({ rule: rule.key })],
		['of the subject', () => ({ subject: 'node n1' })],
		['of both', () => ({ rule: rule.key, subject: 'node n1' })]
	])('%s keeps an alert quiet, which is told when it has ended by itself', async (_, of) => {
		await silence(of());
		const quiet = await look([85, 85, 85]);
		expect(quiet).toMatchObject({ mutedAt: expect.any(Date) });
		expect(await look([97, 97, 97])).toMatchObject({ severity: 'critical' });
		expect(await told()).toEqual([]);
		expect(await listed('open')).toEqual([]);
		expect(await listed('silenced')).toMatchObject([{ silence: { reason: 'obras' } }]);
		expect(await countSilenced(db)).toBe(1);

		setClockOffset(3 * HOUR);
		expect(await look([97, 97, 97])).toMatchObject({ mutedAt: null });
		await look([97, 97, 97]);
		expect((await told()).map(({ dedupeKey }) => dedupeKey)).toEqual([`alert:${quiet!.id}`]);
		expect(await listed('open')).toHaveLength(1);
	});

	it('of something else changes nothing', async () => {
		await silence({ subject: 'node n2' });
		await silence({ rule: rule.key, subject: 'tenant n1' });
		expect(await look([85, 85, 85])).toMatchObject({ mutedAt: null });
		expect(await told()).toHaveLength(1);
	});

	it('is ended by hand once, and what became worse meanwhile is told then', async () => {
		const alert = await look([85, 85, 85]);
		const { id } = await silence({ rule: rule.key });
		await look([97, 97, 97]);
		expect(await told()).toHaveLength(1);
		await transaction((tx) => endSilence(tx, id, by));
		expect((await told()).map(({ dedupeKey }) => dedupeKey)).toEqual([
			`alert:${alert!.id}`,
			`alert:${alert!.id}:escalated`
		]);
		await expect(transaction((tx) => endSilence(tx, id, by))).rejects.toMatchObject({
			code: 'CHANGED_MEANWHILE'
		});
	});

	it('tells nobody of what closed, or was taken on, while it held', async () => {
		const { id } = await silence({ rule: rule.key });
		await look([85, 85, 85]);
		await look([70, 70, 70]);
		const second = await look([85, 85, 85]);
		await transaction((tx) => acknowledgeAlert(tx, second!.id, { by, note: null }));
		await transaction((tx) => endSilence(tx, id, by));
		expect(await told()).toEqual([]);
		expect((await db.alert.findUniqueOrThrow({ where: { id: second!.id } })).mutedAt).toBeNull();
	});

	it('needs a rule or a subject, and a rule that there is', async () => {
		expect(silenceForm.safeParse({ hours: '1', reason: 'x' }).success).toBe(false);
		await expect(silence({ rule: 'nobody.knows' })).rejects.toMatchObject({
			fields: { rule: expect.any(String) }
		});
	});
});
