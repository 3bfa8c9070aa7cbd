import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';
import { define } from './definition.ts';

const count = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum);

/** How instances are placed, set up, moved and taken away. */
export const PROVISIONING_SETTINGS = {
	'provisioning.max_wait_hours': define({
		category: 'provisioning',
		schema: count(1, 24 * 30),
		control: 'number',
		initial: 72,
		label: m.settings_provisioning_max_wait_hours,
		hint: m.settings_provisioning_max_wait_hours_hint
	}),
	'provisioning.retry_window_minutes': define({
		category: 'provisioning',
		schema: count(0, 24 * 60 * 7),
		control: 'number',
		initial: 120,
		label: m.settings_provisioning_retry_window_minutes,
		hint: m.settings_provisioning_retry_window_minutes_hint
	}),
	'provisioning.move_expected_seconds': define({
		category: 'provisioning',
		schema: count(5, 24 * 3600),
		control: 'number',
		initial: 120,
		label: m.settings_provisioning_move_expected_seconds,
		hint: m.settings_provisioning_move_expected_seconds_hint
	}),
	'provisioning.move_confirm_hours': define({
		category: 'provisioning',
		schema: count(1, 24 * 30),
		control: 'number',
		initial: 72,
		label: m.settings_provisioning_move_confirm_hours,
		hint: m.settings_provisioning_move_confirm_hours_hint
	}),
	'provisioning.plan_move_retry_hours': define({
		category: 'provisioning',
		schema: count(1, 24 * 7),
		control: 'number',
		initial: 24,
		label: m.settings_provisioning_plan_move_retry_hours,
		hint: m.settings_provisioning_plan_move_retry_hours_hint
	}),
	'provisioning.reservations_per_address': define({
		category: 'provisioning',
		schema: count(1, 1_000),
		control: 'number',
		initial: 3,
		label: m.settings_provisioning_reservations_per_address,
		hint: m.settings_provisioning_reservations_per_address_hint
	}),
	'provisioning.tenants_per_shared_container': define({
		category: 'provisioning',
		schema: count(1, 200),
		control: 'number',
		initial: 8,
		label: m.settings_provisioning_tenants_per_shared_container,
		hint: m.settings_provisioning_tenants_per_shared_container_hint
	}),
	'provisioning.shared_container': define({
		category: 'provisioning',
		schema: z.object({
			cpuCores: count(1, 512),
			ramMb: count(512, 4_194_304),
			diskGb: count(4, 65_536)
		}),
		control: 'resources',
		initial: { cpuCores: 4, ramMb: 16_384, diskGb: 80 },
		label: m.settings_provisioning_shared_container,
		hint: m.settings_provisioning_shared_container_hint
	}),
	'provisioning.warm_reserve': define({
		category: 'provisioning',
		schema: count(0, 100),
		control: 'number',
		initial: 1,
		label: m.settings_provisioning_warm_reserve,
		hint: m.settings_provisioning_warm_reserve_hint
	}),
	'provisioning.warm_running': define({
		category: 'provisioning',
		schema: z.boolean(),
		control: 'switch',
		initial: true,
		label: m.settings_provisioning_warm_running,
		hint: m.settings_provisioning_warm_running_hint
	}),
	'provisioning.probe_misses': define({
		category: 'provisioning',
		schema: count(1, 60),
		control: 'number',
		initial: 3,
		label: m.settings_provisioning_probe_misses,
		hint: m.settings_provisioning_probe_misses_hint
	}),
	'provisioning.probe_control_host': define({
		category: 'provisioning',
		schema: z
			.string()
			.trim()
			.toLowerCase()
			.regex(/^(?=.{4,253}$)[a-z0-9-]+(\.[a-z0-9-]+)+$/),
		control: 'text',
		initial: 'one.one.one.one',
		label: m.settings_provisioning_probe_control_host,
		hint: m.settings_provisioning_probe_control_host_hint
	}),
	'provisioning.delete_grace_days': define({
		category: 'provisioning',
		schema: count(0, 90),
		control: 'number',
		initial: 7,
		label: m.settings_provisioning_delete_grace_days,
		hint: m.settings_provisioning_delete_grace_days_hint
	}),
	'provisioning.unpaid_link_days': define({
		category: 'provisioning',
		schema: count(1, 365),
		control: 'number',
		initial: 7,
		label: m.settings_provisioning_unpaid_link_days,
		hint: m.settings_provisioning_unpaid_link_days_hint
	}),
	'provisioning.slug_hold_hours': define({
		category: 'provisioning',
		schema: count(0, 24 * 90),
		control: 'number',
		initial: 24,
		label: m.settings_provisioning_slug_hold_hours,
		hint: m.settings_provisioning_slug_hold_hours_hint
	}),
	'provisioning.drain_parallel': define({
		category: 'provisioning',
		schema: count(1, 20),
		control: 'number',
		initial: 1,
		label: m.settings_provisioning_drain_parallel,
		hint: m.settings_provisioning_drain_parallel_hint
	}),
	'provisioning.drain_notice_hours': define({
		category: 'provisioning',
		schema: count(0, 24 * 14),
		control: 'number',
		initial: 24,
		label: m.settings_provisioning_drain_notice_hours,
		hint: m.settings_provisioning_drain_notice_hours_hint
	})
} as const;
