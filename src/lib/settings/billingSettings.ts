import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';
import { define } from './definition.ts';

const count = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum);

/** What decides how money is asked for, given back and taxed. */
export const BILLING_SETTINGS = {
	'billing.four_eyes_above': define({
		category: 'billing',
		// A limit for every currency, or `clp:450000` for one; in major units.
		schema: z.array(z.string().regex(/^(?:[a-z]{3}:)?\d{1,12}$/i)).max(50),
		control: 'list',
		initial: ['500'],
		label: m.settings_billing_four_eyes_above,
		hint: m.settings_billing_four_eyes_above_hint
	}),
	'billing.refund_alert_hours': define({
		category: 'billing',
		schema: count(1, 24 * 30),
		control: 'number',
		initial: 24,
		label: m.settings_billing_refund_alert_hours,
		hint: m.settings_billing_refund_alert_hours_hint
	}),
	'billing.stripe_retries': define({
		category: 'billing',
		schema: z.boolean(),
		control: 'switch',
		initial: true,
		label: m.settings_billing_stripe_retries,
		hint: m.settings_billing_stripe_retries_hint
	}),
	'billing.dunning_hour': define({
		category: 'billing',
		schema: count(0, 23),
		control: 'number',
		initial: 9,
		label: m.settings_billing_dunning_hour,
		hint: m.settings_billing_dunning_hour_hint
	}),
	'billing.seller_country': define({
		category: 'billing',
		schema: z
			.string()
			.trim()
			.toUpperCase()
			.regex(/^[A-Z]{2}$/),
		control: 'text',
		initial: 'EC',
		label: m.settings_billing_seller_country,
		hint: m.settings_billing_seller_country_hint
	}),
	'billing.reverse_charge': define({
		category: 'billing',
		schema: z.boolean(),
		control: 'switch',
		initial: false,
		label: m.settings_billing_reverse_charge,
		hint: m.settings_billing_reverse_charge_hint
	}),
	'billing.currency': define({
		category: 'billing',
		schema: z
			.string()
			.trim()
			.toLowerCase()
			.regex(/^[a-z]{3}$/),
		control: 'text',
		initial: 'usd',
		label: m.settings_billing_currency,
		hint: m.settings_billing_currency_hint
	}),
	'billing.automatic_tax': define({
		category: 'billing',
		schema: z.boolean(),
		control: 'switch',
		initial: false,
		label: m.settings_billing_automatic_tax,
		hint: m.settings_billing_automatic_tax_hint
	})
} as const;
