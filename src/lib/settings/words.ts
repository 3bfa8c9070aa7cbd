import { m } from '#i18n/paraglide/messages.js';
import type { SettingCategory } from './definition.ts';

const CATEGORY_WORDS: Record<SettingCategory, () => string> = {
	general: m.settings_category_general,
	security: m.settings_category_security,
	provisioning: m.settings_category_provisioning,
	backups: m.settings_category_backups,
	billing: m.settings_category_billing,
	stripe: m.settings_category_stripe,
	cloudflare: m.settings_category_cloudflare,
	domains: m.settings_category_domains,
	odoo: m.settings_category_odoo,
	infrastructure: m.settings_category_infrastructure,
	notifications: m.settings_category_notifications
};

export function categoryLabel(category: SettingCategory): string {
	return CATEGORY_WORDS[category]();
}

/** Where a value in force comes from. */
export function settingSource(source: 'stored' | 'environment' | 'initial'): string {
	if (source === 'stored') return m.settings_source_stored();
	return source === 'environment' ? m.settings_source_environment() : m.settings_source_initial();
}
