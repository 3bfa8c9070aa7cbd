import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';
import { define } from './definition.ts';

const identifier = z.string().trim().max(200);

/** How we reach Cloudflare, how tunnels are shared out, and what happens when somebody else writes one. */
export const CLOUDFLARE_SETTINGS = {
	'cloudflare.api_token': define({
		category: 'cloudflare',
		schema: z.string().trim().min(1).max(4_000),
		control: 'text',
		secret: true,
		fromEnv: (env) => env.CLOUDFLARE_API_TOKEN,
		initial: '',
		label: m.settings_cloudflare_api_token,
		hint: m.settings_cloudflare_api_token_hint
	}),
	'cloudflare.account_id': define({
		category: 'cloudflare',
		schema: identifier.min(1),
		control: 'text',
		fromEnv: (env) => env.CLOUDFLARE_ACCOUNT_ID,
		initial: '',
		label: m.settings_cloudflare_account_id
	}),
	'cloudflare.zone_id': define({
		category: 'cloudflare',
		schema: identifier.min(1),
		control: 'text',
		fromEnv: (env) => env.CLOUDFLARE_ZONE_ID,
		initial: '',
		label: m.settings_cloudflare_zone_id
	}),
	'cloudflare.tunnel_id': define({
		category: 'cloudflare',
		schema: identifier.min(1),
		control: 'text',
		fromEnv: (env) => env.CLOUDFLARE_TUNNEL_ID,
		initial: '',
		label: m.settings_cloudflare_tunnel_id,
		hint: m.settings_cloudflare_tunnel_id_hint
	}),
	'cloudflare.tunnel_per': define({
		category: 'cloudflare',
		schema: z.enum(['edge', 'node']),
		control: 'select',
		options: () => [
			{ value: 'edge', label: m.settings_cloudflare_tunnel_per_edge() },
			{ value: 'node', label: m.settings_cloudflare_tunnel_per_node() }
		],
		initial: 'edge',
		label: m.settings_cloudflare_tunnel_per,
		hint: m.settings_cloudflare_tunnel_per_hint
	}),
	'cloudflare.tunnel_repair': define({
		category: 'cloudflare',
		schema: z.enum(['automatic', 'on_request']),
		control: 'select',
		options: () => [
			{ value: 'automatic', label: m.settings_cloudflare_tunnel_repair_automatic() },
			{ value: 'on_request', label: m.settings_cloudflare_tunnel_repair_on_request() }
		],
		// A rule that is missing is an ERP that is down.
		initial: 'automatic',
		label: m.settings_cloudflare_tunnel_repair,
		hint: m.settings_cloudflare_tunnel_repair_hint
	}),
	'cloudflare.calls_per_window': define({
		category: 'cloudflare',
		schema: z.number().int().min(10).max(100_000),
		control: 'number',
		initial: 1_200,
		label: m.settings_cloudflare_calls_per_window,
		hint: m.settings_cloudflare_calls_per_window_hint
	}),
	'cloudflare.sync_share': define({
		category: 'cloudflare',
		schema: z.number().int().min(5).max(95),
		control: 'number',
		initial: 60,
		label: m.settings_cloudflare_sync_share,
		hint: m.settings_cloudflare_sync_share_hint
	})
};
