import type { z } from 'zod';
import type { Env } from '#lib/core/env.server.ts';

export const CATEGORIES = [
	'general',
	'security',
	'provisioning',
	'backups',
	'billing',
	'stripe',
	'cloudflare',
	'domains',
	'odoo',
	'infrastructure',
	'notifications'
] as const;
export type SettingCategory = (typeof CATEGORIES)[number];

/** How a page asks for the value. `list` is one entry a line; `resources` three numbers. */
export type SettingControl = 'text' | 'number' | 'switch' | 'select' | 'list' | 'resources';

export interface SettingDefinition<T> {
	category: SettingCategory;
	/** What the value must be, whether it comes from a form, the environment or the table. */
	schema: z.ZodType<T>;
	control: SettingControl;
	/** Values of a `select`, and what a person reads for each. */
	options?: () => { value: string; label: string }[];
	/** Kept encrypted and never shown again. */
	secret?: boolean;
	/** The variable that it falls back to. */
	fromEnv?: (env: Env) => unknown;
	/** Used when neither the table nor the environment has a value. */
	initial: T;
	label: () => string;
	hint?: () => string;
}

/** Keeps the type of each value while the whole registry is one object. */
export function define<T>(definition: SettingDefinition<T>): SettingDefinition<T> {
	return definition;
}
