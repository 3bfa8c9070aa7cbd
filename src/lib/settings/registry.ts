import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';
import { BILLING_SETTINGS } from './billingSettings.ts';
import { CLOUDFLARE_SETTINGS } from './cloudflareSettings.ts';
import { define, type SettingDefinition } from './definition.ts';
import { INFRASTRUCTURE_SETTINGS } from './infrastructureSettings.ts';
import { PROVISIONING_SETTINGS } from './provisioningSettings.ts';

const count = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum);
const secret = z.string().trim().max(4_000);
const language = z.string().regex(/^[a-z]{2,3}(_[A-Z]{2})?$/);

function isTimeZone(name: string): boolean {
	try {
		new Intl.DateTimeFormat('en', { timeZone: name });
		return true;
	} catch {
		// Intl knows no other way to say that it does not know a zone.
		return false;
	}
}

/**
 * Every key of `system_config`: the one list that the settings page, `setting()` and the documentation are made from.
 * A stored value wins over the environment, which wins over `initial`.
 */
export const SETTINGS = {
	'general.platform_name': define({
		category: 'general',
		schema: z.string().trim().min(1).max(60),
		control: 'text',
		initial: 'ERP Core',
		label: m.settings_general_platform_name,
		hint: m.settings_general_platform_name_hint
	}),
	'general.timezone': define({
		category: 'general',
		schema: z.string().refine(isTimeZone, { error: () => m.settings_timezone_unknown() }),
		control: 'text',
		initial: 'America/Guayaquil',
		label: m.settings_general_timezone,
		hint: m.settings_general_timezone_hint
	}),
	'general.locale': define({
		category: 'general',
		schema: z.enum(['es', 'en']),
		control: 'select',
		options: () => [
			{ value: 'es', label: m.settings_language_es() },
			{ value: 'en', label: m.settings_language_en() }
		],
		initial: 'es',
		label: m.settings_general_locale,
		hint: m.settings_general_locale_hint
	}),
	'general.contact_address': define({
		category: 'general',
		schema: z.email(),
		control: 'text',
		fromEnv: (env) => `ventas@${env.BASE_DOMAIN}`,
		initial: 'ventas@sajet.us',
		label: m.settings_general_contact_address,
		hint: m.settings_general_contact_address_hint
	}),
	'security.staff_second_factor': define({
		category: 'security',
		schema: z.boolean(),
		control: 'switch',
		fromEnv: (env) => env.SECOND_FACTOR_REQUIRED,
		initial: true,
		label: m.settings_security_staff_second_factor,
		hint: m.settings_security_staff_second_factor_hint
	}),
	...PROVISIONING_SETTINGS,
	'backups.keep_last_days': define({
		category: 'backups',
		schema: count(1, 3_650),
		control: 'number',
		initial: 30,
		label: m.settings_backups_keep_last_days,
		hint: m.settings_backups_keep_last_days_hint
	}),
	'backups.keep_scheduled_days': define({
		category: 'backups',
		schema: count(1, 3_650),
		control: 'number',
		initial: 7,
		label: m.settings_backups_keep_scheduled_days,
		hint: m.settings_backups_keep_scheduled_days_hint
	}),
	...BILLING_SETTINGS,
	'stripe.secret_key': define({
		category: 'stripe',
		schema: secret.regex(/^(sk|rk)_(test|live)_/),
		control: 'text',
		secret: true,
		fromEnv: (env) => env.STRIPE_SECRET_KEY,
		initial: '',
		label: m.settings_stripe_secret_key,
		hint: m.settings_stripe_secret_key_hint
	}),
	'stripe.webhook_secret': define({
		category: 'stripe',
		schema: secret.startsWith('whsec_'),
		control: 'text',
		secret: true,
		fromEnv: (env) => env.STRIPE_WEBHOOK_SECRET,
		initial: '',
		label: m.settings_stripe_webhook_secret,
		hint: m.settings_stripe_webhook_secret_hint
	}),
	...CLOUDFLARE_SETTINGS,
	'domains.ownership_grace_days': define({
		category: 'domains',
		schema: count(1, 90),
		control: 'number',
		initial: 7,
		label: m.settings_domains_ownership_grace_days,
		hint: m.settings_domains_ownership_grace_days_hint
	}),
	'domains.acme_contact': define({
		category: 'domains',
		schema: z.union([z.literal(''), z.email()]),
		control: 'text',
		initial: '',
		label: m.settings_domains_acme_contact,
		hint: m.settings_domains_acme_contact_hint
	}),
	'odoo.version': define({
		category: 'odoo',
		schema: z.enum(['16.0', '17.0', '18.0', '19.0', '20.0']),
		control: 'select',
		options: () =>
			['16.0', '17.0', '18.0', '19.0', '20.0'].map((value) => ({ value, label: `Odoo ${value}` })),
		initial: '18.0',
		label: m.settings_odoo_version,
		hint: m.settings_odoo_version_hint
	}),
	'odoo.languages': define({
		category: 'odoo',
		schema: z.array(language).min(1).max(20),
		control: 'list',
		initial: ['es_EC', 'en_US'],
		label: m.settings_odoo_languages,
		hint: m.settings_odoo_languages_hint
	}),
	...INFRASTRUCTURE_SETTINGS,
	'infrastructure.node_misses': define({
		category: 'infrastructure',
		schema: count(1, 60),
		control: 'number',
		initial: 3,
		label: m.settings_infrastructure_node_misses,
		hint: m.settings_infrastructure_node_misses_hint
	}),
	'notifications.smtp_url': define({
		category: 'notifications',
		schema: z.url({ protocol: /^smtps?$/ }),
		control: 'text',
		// It usually carries the password of the mailbox.
		secret: true,
		fromEnv: (env) => env.SMTP_URL,
		initial: '',
		label: m.settings_notifications_smtp_url,
		hint: m.settings_notifications_smtp_url_hint
	}),
	'notifications.mail_from': define({
		category: 'notifications',
		schema: z
			.string()
			.trim()
			.max(200)
			.regex(/^[^<>\r\n]*<?[^<>@\s]+@[^<>@\s]+>?$/),
		control: 'text',
		fromEnv: (env) => env.MAIL_FROM,
		initial: '',
		label: m.settings_notifications_mail_from,
		hint: m.settings_notifications_mail_from_hint
	}),
	'notifications.staff_address': define({
		category: 'notifications',
		schema: z.union([z.literal(''), z.email()]),
		control: 'text',
		initial: '',
		label: m.settings_notifications_staff_address,
		hint: m.settings_notifications_staff_address_hint
	}),
	'notifications.webhook_loopback': define({
		category: 'notifications',
		schema: z.boolean(),
		control: 'switch',
		// In the demo everything is on one machine; production never allows it.
		fromEnv: (env) => env.APP_ENV === 'demo',
		initial: false,
		label: m.settings_notifications_webhook_loopback,
		hint: m.settings_notifications_webhook_loopback_hint
	})
} as const;

export type SettingKey = keyof typeof SETTINGS;
export type SettingValue<K extends SettingKey> =
	(typeof SETTINGS)[K] extends SettingDefinition<infer T> ? T : never;

export const SETTING_KEYS = Object.keys(SETTINGS).filter(isSettingKey);

export function isSettingKey(key: string): key is SettingKey {
	return Object.hasOwn(SETTINGS, key);
}

/** The definition without the type of its value, for code that treats every key alike. */
export function definitionOf(key: SettingKey): SettingDefinition<unknown> {
	return SETTINGS[key] as SettingDefinition<unknown>;
}
