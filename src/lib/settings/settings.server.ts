import { setTimeout as sleep } from 'node:timers/promises';
import { decrypt, encrypt } from '#lib/core/crypto.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { log } from '#lib/core/log.server.ts';
import { fieldSentences } from '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import {
	definitionOf,
	isSettingKey,
	SETTINGS,
	SETTING_KEYS,
	type SettingKey,
	type SettingValue
} from './registry.ts';

interface Stored {
	value: unknown;
	secretValue: string | null;
	version: number;
	updatedAt: Date;
}

type Rows = Map<string, Stored>;

/** Another process's change is seen after this time at the latest. */
const CACHE_MS = 3_000;
/** Whoever asks inside a transaction may hold the connection that the reading waits for, so none waits for long. */
const PATIENCE_MS = 500;

let known: { rows: Rows; until: number } | null = null;
let reading: Promise<Rows> | null = null;
/** Raised by each saving, so that a reading from before it is not kept. */
let generation = 0;

/** The value in force: stored, else of the environment, else the registry's own. */
export async function setting<K extends SettingKey>(key: K): Promise<SettingValue<K>> {
	const stored = (await storedValues()).get(key);
	const { value } = inForce(key, stored);
	// The registry ties each key to the schema that has just checked the value.
	return SETTINGS[key].schema.parse(value) as SettingValue<K>;
}

/** Where a value in force comes from. */
export type SettingSource = 'stored' | 'environment' | 'initial';

export interface SettingView {
	key: SettingKey;
	/** Null for a secret, whatever it is. */
	value: unknown;
	/** True when a secret has a value; of other settings always. */
	isSet: boolean;
	source: SettingSource;
	/** For `saveSetting`; 0 when nothing is stored. */
	version: number;
	updatedAt: Date | null;
}

/** What the settings page shows: every declared key, secrets without their value. */
export async function viewSettings(tx: Tx): Promise<SettingView[]> {
	const rows = await readRows(tx);
	return SETTING_KEYS.map((key) => {
		const stored = rows.get(key);
		const { value, source } = inForce(key, stored);
		const secret = definitionOf(key).secret === true;
		return {
			key,
			value: secret ? null : value,
			isSet: !secret || (value !== '' && value !== null && value !== undefined),
			source,
			version: stored?.version ?? 0,
			updatedAt: stored?.updatedAt ?? null
		};
	});
}

/**
 * Stores a value for a key, checked as the registry says. A secret is encrypted and only ever replaced.
 * @param raw what a form or an API gives: text is read as the key's control says, anything else is taken as it is
 * @param version the one that `viewSettings` gave
 * @throws {AppError} BAD_INPUT with a sentence under the key; CHANGED_MEANWHILE when somebody else was faster
 */
export async function saveSetting(
	tx: Tx,
	key: SettingKey,
	raw: unknown,
	by: Actor,
	version: number
): Promise<void> {
	const definition = definitionOf(key);
	const value = readSetting(key, raw);
	const before = (await readRows(tx)).get(key);
	if ((before?.version ?? 0) !== version) throw new AppError('CHANGED_MEANWHILE');
	const columns = {
		category: definition.category,
		isSecret: definition.secret === true,
		value: definition.secret ? Prisma.DbNull : (value as Prisma.InputJsonValue),
		secretValue: definition.secret ? encrypt(String(value), secretContext(key)) : null,
		updatedById: by.kind === 'staff' || by.kind === 'token' ? by.id : null
	};
	if (before) {
		const changed = await tx.setting.updateMany({
			where: { key, version },
			data: { ...columns, version: { increment: 1 } }
		});
		if (changed.count === 0) throw new AppError('CHANGED_MEANWHILE');
	} else {
		const made = await tx.setting.createMany({ data: [{ key, ...columns }], skipDuplicates: true });
		if (made.count === 0) throw new AppError('CHANGED_MEANWHILE');
	}
	await audit(tx, {
		actor: by,
		action: 'settings.save',
		subject: { type: 'setting' },
		before: { key, value: definition.secret ? undefined : before?.value },
		after: { key, value: definition.secret ? undefined : value }
	});
	forgetSettings();
}

/**
 * Gives up a stored value, so that the environment or the registry's own is in force again.
 * @throws {AppError} CHANGED_MEANWHILE when somebody else was faster
 */
export async function resetSetting(
	tx: Tx,
	key: SettingKey,
	by: Actor,
	version: number
): Promise<void> {
	const { count } = await tx.setting.deleteMany({ where: { key, version } });
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	await audit(tx, {
		actor: by,
		action: 'settings.reset',
		subject: { type: 'setting' },
		before: { key }
	});
	forgetSettings();
}

/**
 * Checks a value without storing it.
 * @throws {AppError} BAD_INPUT with a sentence under the key
 */
export function readSetting(key: SettingKey, raw: unknown): unknown {
	const parsed = definitionOf(key).schema.safeParse(fromText(key, raw));
	if (!parsed.success) {
		const sentence = Object.values(fieldSentences(parsed.error))[0] ?? m.field_invalid();
		throw new AppError('BAD_INPUT', { fields: { [key]: sentence } });
	}
	if (key === 'stripe.secret_key' && isLiveKey(String(parsed.data)) !== isProduction()) {
		throw new AppError('BAD_INPUT', { fields: { [key]: m.settings_key_wrong_environment() } });
	}
	return parsed.data;
}

/** Makes the next `setting()` of this process read the table again. */
export function forgetSettings(): void {
	known = null;
	reading = null;
	generation += 1;
}

function fromText(key: SettingKey, raw: unknown): unknown {
	if (typeof raw !== 'string') return raw;
	const text = raw.trim();
	switch (definitionOf(key).control) {
		case 'number':
			return text === '' ? undefined : Number(text);
		case 'switch':
			return text === 'true' || text === 'on';
		case 'list':
			return text.split(/[\s,]+/).filter(Boolean);
		default:
			return text;
	}
}

function inForce(
	key: SettingKey,
	stored: Stored | undefined
): { value: unknown; source: SettingSource } {
	const definition = definitionOf(key);
	if (stored) {
		const value =
			definition.secret && stored.secretValue
				? decrypt(stored.secretValue, secretContext(key))
				: stored.value;
		if (definition.schema.safeParse(value).success) return { value, source: 'stored' };
		// An older version of the registry allowed it; going on with the fallback beats failing every page.
		log.warn({ key }, 'a stored setting is not valid any more and is passed over');
	}
	const given = definition.fromEnv?.(env);
	return given === undefined
		? { value: definition.initial, source: 'initial' }
		: { value: given, source: 'environment' };
}

async function storedValues(): Promise<Rows> {
	if (known && known.until > Date.now()) return known.rows;
	const fresh = (reading ??= readAnew());
	if (!known) return fresh;
	const stale = known.rows;
	return Promise.race([fresh, sleep(PATIENCE_MS, stale, { ref: false })]);
}

async function readAnew(): Promise<Rows> {
	const mine = generation;
	try {
		const rows = await readRows(db);
		if (mine === generation) known = { rows, until: Date.now() + CACHE_MS };
		return rows;
	} finally {
		if (mine === generation) reading = null;
	}
}

async function readRows(tx: Tx): Promise<Rows> {
	const rows = await tx.setting.findMany();
	return new Map(rows.filter((row) => isSettingKey(row.key)).map((row) => [row.key, row]));
}

function secretContext(key: SettingKey): string {
	return `setting:${key}`;
}

function isLiveKey(key: string): boolean {
	return /^(sk|rk)_live_/.test(key);
}

function isProduction(): boolean {
	return env.APP_ENV === 'production';
}
