import { readdirSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import type { AlertRule } from '#prisma/generated/client.ts';
import '../jobs.server.ts';
import { alertMetric, defineAlertMetric, type AlertReading } from './alertMetrics.server.ts';
import { dryRun } from './dryRun.server.ts';
import { eventLabel } from './eventWords.ts';
import { seedAlertRules } from './builtInRules.ts';
import { openAlert } from '../alerts.server.ts';
import { addRule, editRule, removeRule } from './rules.server.ts';
import { ruleForm, type RuleInput } from './ruleForms.ts';

await testDatabase();
await testQueue({ work: false });

const by = { ...SYSTEM, label: 'ana@example.com' };
let readings: AlertReading[] = [];
defineAlertMetric({
	...{ name: 'tests.load', unit: 'percent', subjectType: 'node', worse: 'above', hasHistory: true },
	read: () => Promise.resolve(readings)
});
const ABOUT = { subjectType: 'node', subjectId: 'n1' };
const TERMS: RuleInput = {
	...{ threshold: 80, samples: 3, hysteresis: 5, severity: 'warning', criticalAt: 95 },
	...{ enabled: true, channels: ['web'] }
};
let rule: AlertRule;
const edit = (change: Partial<RuleInput>, seen = rule.revision) =>
	transaction((tx) => editRule(tx, rule.id, { seen, input: { ...TERMS, ...change }, by }));

beforeEach(async () => {
	await db.alert.deleteMany();
	await db.alertRule.deleteMany();
	rule = await transaction((tx) => addRule(tx, 'tests.load', { input: TERMS, by }));
});

describe('the rules', () => {
	it('of the product are there, and are not written over', async () => {
		await seedAlertRules(db);
		const key = 'infrastructure.node-cpu';
		await db.alertRule.update({ where: { key }, data: { threshold: 60, enabled: false } });
		await seedAlertRules(db);
		expect(await db.alertRule.findUnique({ where: { key } })).toMatchObject({
			...{ threshold: 60, enabled: false, builtIn: true }
		});
		const cpu = await db.alertRule.findUniqueOrThrow({ where: { key } });
		await expect(transaction((tx) => removeRule(tx, cpu.id, by))).rejects.toMatchObject({
			code: 'NOT_FOUND'
		});
	});

	it('are there for whatever code opens by itself, with a name, and say how it is told', async () => {
		await seedAlertRules(db);
		const folder = new URL('../..', import.meta.url);
		const opened = new Set<string>();
		for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
			if (!name.endsWith('.server.ts')) continue;
			const source = readFileSync(new URL(name, folder), 'utf8');
			for (const [, key] of source.matchAll(/\brule: '([a-z.-]+)'/g)) opened.add(key!);
			if (!/\bopenAlert\(/.test(source)) continue;
			for (const [, key] of source.matchAll(/^(?:export )?const [A-Z_]+ = '([a-z]+\.[a-z-]+)'/gm))
				opened.add(key!);
		}
		expect(opened.size).toBeGreaterThan(15);
		const rules = await db.alertRule.findMany({ where: { builtIn: true } });
		const known = new Map(rules.map((one) => [one.key, one]));
		expect([...opened].filter((key) => !known.has(key))).toEqual([]);
		const events = rules.filter(({ metric }) => metric === null);
		expect(events.filter(({ key }) => eventLabel(key) === key)).toEqual([]);
		expect(events.filter(({ key }) => !opened.has(key)).map(({ key }) => key)).toEqual([]);

		const event = known.get('provisioning.move-left-behind')!;
		const change = { enabled: true, channels: ['web' as const], severity: 'info' as const };
		const changed = await transaction((tx) =>
			editRule(tx, event.id, { seen: 1, input: { ...TERMS, ...change }, by })
		);
		// How bad it is says the code.
		expect(changed).toMatchObject({ threshold: null, severity: 'warning', channels: ['web'] });
		const mails = await db.emailMessage.count();
		const open = (subjectId: string) =>
			transaction((tx) =>
				openAlert(tx, {
					...{ rule: event.key, subjectType: 'tenant', subjectId, severity: 'critical' }
				})
			);
		expect(await open('t1')).toMatchObject({ isNew: true });
		expect(await db.emailMessage.count()).toBe(mails);
		await transaction((tx) =>
			editRule(tx, event.id, { seen: 2, input: { ...TERMS, ...change, enabled: false }, by })
		);
		expect(await open('t2')).toBeNull();
		expect(await db.alert.count({ where: { rule: event.key, closedAt: null } })).toBe(0);
	});

	it('are changed by the first of two editors, and the second is told', async () => {
		const both = await Promise.allSettled([edit({ threshold: 70 }), edit({ threshold: 60 })]);
		expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
		await expect(edit({ threshold: 50 }, 1)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
		const entries = await db.auditEntry.findMany({
			where: { subjectId: rule.id, action: 'notifications.rule_edit' }
		});
		expect(entries).toHaveLength(1);
		expect(entries[0]).toMatchObject({ before: { threshold: 80 } });
	});

	it.each([
		[{ threshold: null }, 'threshold'],
		[{ criticalAt: 80 }, 'critical_at'],
		[{ criticalAt: 95, severity: 'critical' as const }, 'critical_at'],
		[{ hysteresis: 81 }, 'hysteresis']
	])('refuse %o beside its field', async (change, field) => {
		const input = { ...TERMS, ...change };
		await expect(
			transaction((tx) => editRule(tx, rule.id, { seen: rule.revision, input, by }))
		).rejects.toMatchObject({ code: 'BAD_INPUT', fields: { [field]: expect.any(String) } });
	});

	it('are read as people write them', () => {
		const typed = {
			...{ threshold: '1,5', samples: '2', hysteresis: '', severity: 'warning', critical_at: '' },
			...{ enabled: 'on', channel_web: 'on', channel_webhook: 'on' }
		};
		expect(ruleForm.parse(typed)).toEqual({
			...{ threshold: 1.5, samples: 2, hysteresis: 0, severity: 'warning', criticalAt: null },
			...{ enabled: true, channels: ['web', 'webhook'] }
		});
		expect(ruleForm.safeParse({ ...typed, threshold: 'mucho' }).success).toBe(false);
		// Of a metric that is yes or no the form has neither.
		expect(ruleForm.parse({ severity: 'critical', channel_mail: 'on' })).toEqual({
			...{ threshold: null, samples: 1, hysteresis: 0, severity: 'critical', criticalAt: null },
			...{ enabled: false, channels: ['mail'] }
		});
	});

	it('of our own have names that were never used', async () => {
		await db.alert.create({ data: { ...ABOUT, rule: rule.key, severity: 'warning' } });
		const { key } = await transaction((tx) => removeRule(tx, rule.id, by));
		const next = await transaction((tx) => addRule(tx, 'tests.load', { input: TERMS, by }));
		expect([key, next.key]).toEqual(['own.tests-load-1', 'own.tests-load-2']);
	});

	it('say what they would say now', async () => {
		readings = [
			{ subjectId: 'n1', name: 'pve1', values: [85, 85, 85] },
			{ subjectId: 'n2', name: 'pve2', values: [99, 99, 99] },
			{ subjectId: 'n3', name: 'pve3', values: null },
			{ subjectId: 'n4', name: 'pve4', values: [85, 20, 85] },
			{ subjectId: 'n5', name: 'pve5', values: [20, 20, 20] }
		];
		expect(await dryRun(db, alertMetric('tests.load')!, TERMS)).toEqual({
			...{ subjects: 5, unknown: 1, between: 1, pastCount: 2 },
			past: [
				{ subjectId: 'n2', name: 'pve2', value: 99, severity: 'critical' },
				{ subjectId: 'n1', name: 'pve1', value: 85, severity: 'warning' }
			]
		});
		expect(await db.alert.count()).toBe(0);
	});
});
