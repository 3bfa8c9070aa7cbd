import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';
import { define } from './definition.ts';

const count = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum);

/** How the machines are measured, reached and worked on. */
export const INFRASTRUCTURE_SETTINGS = {
	'infrastructure.public_dns_servers': define({
		category: 'infrastructure',
		schema: z
			.array(z.string().regex(/^(\[[0-9a-f:.]+\]|[0-9a-f:.]+?)(:\d{1,5})?$/i))
			.min(1)
			.max(8),
		control: 'list',
		fromEnv: (env) => env.PUBLIC_DNS_SERVERS,
		initial: ['1.1.1.1', '8.8.8.8'],
		label: m.settings_infrastructure_public_dns_servers,
		hint: m.settings_infrastructure_public_dns_servers_hint
	}),
	'infrastructure.metrics_minutes': define({
		category: 'infrastructure',
		// A figure older than a quarter of an hour is not known.
		schema: count(1, 15),
		control: 'number',
		initial: 5,
		label: m.settings_infrastructure_metrics_minutes,
		hint: m.settings_infrastructure_metrics_minutes_hint
	}),
	'infrastructure.replication_minutes': define({
		category: 'infrastructure',
		// Proxmox's calendar event divides the hour: `*/5`.
		schema: count(1, 30),
		control: 'number',
		initial: 5,
		label: m.settings_infrastructure_replication_minutes,
		hint: m.settings_infrastructure_replication_minutes_hint
	}),
	'infrastructure.console_idle_minutes': define({
		category: 'infrastructure',
		schema: count(1, 240),
		control: 'number',
		initial: 15,
		label: m.settings_infrastructure_console_idle_minutes,
		hint: m.settings_infrastructure_console_idle_minutes_hint
	})
} as const;
