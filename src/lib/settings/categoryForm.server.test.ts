import { beforeEach, describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { saveCategory, settingFields } from './categoryForm.server.ts';
import type { SettingCategory } from './definition.ts';
import { forgetSettings, setting } from './settings.server.ts';

await testDatabase();
beforeEach(async () => {
	await db.setting.deleteMany();
	forgetSettings();
});

/** What a browser would send of a form that nobody touched. */
async function untouched(category: SettingCategory): Promise<Record<string, string>> {
	const given: Record<string, string> = {};
	for (const { key, value, version } of await settingFields(db, category)) {
		given[`${key}.version`] = String(version);
		if (Array.isArray(value)) given[key] = value.join('\r\n');
		else if (typeof value === 'object' && value !== null) {
			for (const [name, part] of Object.entries(value)) given[`${key}.${name}`] = String(part);
		} else if (value !== false) given[key] = String(value);
	}
	return given;
}

const save = (category: SettingCategory, given: Record<string, string>) =>
	transaction((tx) => saveCategory(tx, category, given, SYSTEM));

describe('a form of settings', () => {
	it.each(['general', 'provisioning', 'odoo', 'infrastructure'] as const)(
		'of %s that nobody touched changes nothing',
		async (category) => {
			expect(await save(category, await untouched(category))).toBe(0);
			expect(await db.setting.count()).toBe(0);
		}
	);

	it('stores what was changed, numbers as numbers, and nothing else', async () => {
		const given = await untouched('provisioning');
		given['provisioning.max_wait_hours'] = '48';
		given['provisioning.shared_container.ramMb'] = '8192';
		expect(await save('provisioning', given)).toBe(2);
		expect(await setting('provisioning.max_wait_hours')).toBe(48);
		expect(await setting('provisioning.shared_container')).toMatchObject({
			cpuCores: 4,
			ramMb: 8192
		});
		expect(await db.setting.count()).toBe(2);
	});

	it('names every wrong field and stores none of the right ones', async () => {
		const given = await untouched('provisioning');
		given['provisioning.max_wait_hours'] = 'mañana';
		given['provisioning.probe_misses'] = '0';
		given['provisioning.delete_grace_days'] = '14';
		const refusal = await save('provisioning', given).catch((error: unknown) => error);
		expect(refusal).toBeInstanceOf(AppError);
		expect(Object.keys((refusal as AppError).fields ?? {})).toEqual([
			'provisioning.max_wait_hours',
			'provisioning.probe_misses'
		]);
		expect(await db.setting.count()).toBe(0);
	});

	it('does not overwrite what somebody else saved since it was opened', async () => {
		const mine = await untouched('general');
		const theirs = await untouched('general');
		await save('general', { ...theirs, 'general.platform_name': 'De ellos' });
		await expect(save('general', { ...mine, 'general.platform_name': 'Mío' })).rejects.toThrow(
			'CHANGED_MEANWHILE'
		);
		expect(await setting('general.platform_name')).toBe('De ellos');
	});
});
