import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import type { SettingCategory, SettingControl } from './definition.ts';
import { definitionOf, type SettingKey } from './registry.ts';
import { readSetting, saveSetting, viewSettings, type SettingSource } from './settings.server.ts';

/** One key as the settings page asks for it, in the language of the request. */
export interface SettingField {
	key: SettingKey;
	control: SettingControl;
	label: string;
	hint: string | undefined;
	options: { value: string; label: string }[];
	/** Null for a secret. */
	value: unknown;
	isSecret: boolean;
	isSet: boolean;
	source: SettingSource;
	version: number;
	updatedAt: Date | null;
}

/** The keys of a category, in the order of the registry. */
export async function settingFields(tx: Tx, category: SettingCategory): Promise<SettingField[]> {
	const views = await viewSettings(tx);
	return views
		.filter(({ key }) => definitionOf(key).category === category)
		.map((view) => {
			const { control, label, hint, options, secret } = definitionOf(view.key);
			return {
				...view,
				control,
				label: label(),
				hint: hint?.(),
				options: options?.() ?? [],
				isSecret: secret === true
			};
		});
}

/**
 * Stores what a form changed in a category; secrets have a form of their own. All or nothing, and every wrong field is
 * named at once.
 * @param given by key: the text as typed, `<key>.version`, and for three numbers `<key>.cpuCores` and so on
 * @returns how many were changed
 * @throws {AppError} BAD_INPUT; CHANGED_MEANWHILE when somebody else saved one of them since
 */
export async function saveCategory(
	tx: Tx,
	category: SettingCategory,
	given: Record<string, string>,
	by: Actor
): Promise<number> {
	const fields = (await settingFields(tx, category)).filter(({ isSecret }) => !isSecret);
	const wrong: Record<string, string> = {};
	const changed: { key: SettingKey; raw: unknown }[] = [];
	for (const { key, control, value } of fields) {
		const raw = rawOf(key, control, given);
		try {
			const next = readSetting(key, raw);
			if (JSON.stringify(next) !== JSON.stringify(value)) changed.push({ key, raw });
		} catch (error) {
			if (!(error instanceof AppError)) throw error;
			Object.assign(wrong, error.fields);
		}
	}
	if (Object.keys(wrong).length > 0) throw new AppError('BAD_INPUT', { fields: wrong });
	for (const { key, raw } of changed) {
		await saveSetting(tx, key, raw, by, Number(given[`${key}.version`] ?? 0));
	}
	return changed.length;
}

function rawOf(key: SettingKey, control: SettingControl, given: Record<string, string>): unknown {
	if (control === 'switch') return given[key] ?? 'false';
	if (control !== 'resources') return given[key] ?? '';
	const part = (name: string) => {
		const text = given[`${key}.${name}`]?.trim();
		return text ? Number(text) : undefined;
	};
	return { cpuCores: part('cpuCores'), ramMb: part('ramMb'), diskGb: part('diskGb') };
}
