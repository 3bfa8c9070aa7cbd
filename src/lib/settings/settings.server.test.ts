import { beforeEach, expect, it, vi } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { SETTING_KEYS, type SettingKey } from './registry.ts';
import {
	forgetSettings,
	resetSetting,
	saveSetting,
	setting,
	viewSettings
} from './settings.server.ts';

await testDatabase();

beforeEach(async () => {
	await db.setting.deleteMany();
	forgetSettings();
});

const save = (key: SettingKey, raw: unknown, version = 0) =>
	transaction((tx) => saveSetting(tx, key, raw, SYSTEM, version));
const view = async (key: SettingKey) =>
	(await viewSettings(db)).find((entry) => entry.key === key)!;
const SECRET = 'smtps://mailer:hunter2@mail.example.com:465';

it('prefers a stored value to the environment, and that to its own', async () => {
	expect(await setting('notifications.mail_from')).toBe('Jeturing <no-reply@sajet.us>');
	expect(await setting('provisioning.max_wait_hours')).toBe(72);
	await save('notifications.mail_from', 'ERP <erp@example.com>');
	await save('provisioning.max_wait_hours', '48');
	expect(await setting('notifications.mail_from')).toBe('ERP <erp@example.com>');
	expect(await setting('provisioning.max_wait_hours')).toBe(48);
	await transaction((tx) => resetSetting(tx, 'provisioning.max_wait_hours', SYSTEM, 1));
	expect(await setting('provisioning.max_wait_hours')).toBe(72);
});

it('has a value in force for every declared key that the environment or the registry gives', async () => {
	const views = await viewSettings(db);
	expect(views.map(({ key }) => key)).toEqual(SETTING_KEYS);
	for (const key of SETTING_KEYS) await setting(key);
	expect(views.every(({ isSet }) => isSet)).toBe(true);
});

it('reads text as the control of the key says', async () => {
	await save('security.staff_second_factor', 'false');
	await save('odoo.languages', 'es_EC\npt_BR, en_US');
	await save('provisioning.shared_container', { cpuCores: 8, ramMb: 32768, diskGb: 160 });
	expect(await setting('security.staff_second_factor')).toBe(false);
	expect(await setting('odoo.languages')).toEqual(['es_EC', 'pt_BR', 'en_US']);
	expect(await setting('provisioning.shared_container')).toEqual({
		cpuCores: 8,
		ramMb: 32768,
		diskGb: 160
	});
});

it.each<[SettingKey, unknown]>([
	['provisioning.max_wait_hours', 'soon'],
	['provisioning.max_wait_hours', ''],
	['provisioning.probe_misses', '0'],
	['general.timezone', 'America/Atlantis'],
	['stripe.secret_key', 'pk_test_1'],
	['stripe.secret_key', 'sk_live_1'],
	['notifications.smtp_url', 'http://example.com'],
	['notifications.staff_address', 'nobody'],
	['infrastructure.public_dns_servers', ''],
	['provisioning.shared_container', { cpuCores: 0, ramMb: 1, diskGb: 1 }]
])('refuses %s = %j with a sentence beside it', async (key, raw) => {
	const refused = await save(key, raw).catch((error: unknown) => error);
	expect(refused).toMatchObject({ code: 'BAD_INPUT', fields: { [key]: expect.any(String) } });
	expect(await db.setting.count()).toBe(0);
});

it('never shows a secret again: not in views, nor in the table, nor in the audit log', async () => {
	await save('notifications.smtp_url', SECRET);
	expect(await setting('notifications.smtp_url')).toBe(SECRET);
	expect(await view('notifications.smtp_url')).toMatchObject({
		value: null,
		isSet: true,
		source: 'stored'
	});
	const everything = JSON.stringify([
		await viewSettings(db),
		await db.setting.findMany(),
		(await db.auditEntry.findMany()).map(({ before, after }) => [before, after])
	]);
	expect(everything).not.toContain('hunter2');
	expect(everything).toContain('notifications.smtp_url');
});

it('binds a secret to its key', async () => {
	await save('notifications.smtp_url', SECRET);
	const row = await db.setting.findUniqueOrThrow({ where: { key: 'notifications.smtp_url' } });
	await db.setting.create({
		data: {
			key: 'cloudflare.api_token',
			category: 'cloudflare',
			isSecret: true,
			secretValue: row.secretValue
		}
	});
	forgetSettings();
	await expect(setting('cloudflare.api_token')).rejects.toThrow();
});

it('refuses to overwrite what somebody else has just changed', async () => {
	await save('provisioning.probe_misses', '4');
	await expect(save('provisioning.probe_misses', '5')).rejects.toMatchObject({
		code: 'CHANGED_MEANWHILE'
	});
	await save('provisioning.probe_misses', '6', 1);
	expect((await view('provisioning.probe_misses')).version).toBe(2);
});

it('passes over a stored value that the registry does not allow any more', async () => {
	await db.setting.create({
		data: { key: 'provisioning.max_wait_hours', category: 'provisioning', value: 'long' }
	});
	expect(await setting('provisioning.max_wait_hours')).toBe(72);
});

it('answers although every connection is held by those who ask', async () => {
	await setting('provisioning.probe_misses');
	// The value that is known has grown old, and the pool has five connections.
	vi.setSystemTime(Date.now() + 60_000);
	const asked = Array.from({ length: 5 }, () =>
		transaction(async (tx) => {
			await tx.$executeRaw`SELECT pg_sleep(0.2)`;
			return setting('provisioning.probe_misses');
		})
	);
	expect(await Promise.all(asked)).toEqual([3, 3, 3, 3, 3]);
	vi.useRealTimers();
});
