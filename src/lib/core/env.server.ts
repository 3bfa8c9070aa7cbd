import { z } from 'zod';
import { lazy } from './lazy.ts';

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const port = z.coerce.number().int().min(1).max(65535);
const list = z.string().transform((value) =>
	value
		.split(',')
		.map((entry) => entry.trim())
		.filter(Boolean)
);

/** Every variable that the product reads; `.env.example` has a sentence for each. */
const schema = z.object({
	APP_ENV: z.enum(['demo', 'development', 'preproduction', 'production']),
	ROLE: z.enum(['web', 'worker', 'all']).default('all'),
	ORIGIN: z.url({ protocol: /^https?$/ }),
	HOST: z.string().default('0.0.0.0'),
	PORT: port.default(4443),
	METRICS_PORT: port.optional(),
	TRUSTED_PROXIES: list.default([]),
	LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),

	DATABASE_URL: z.string().startsWith('postgres'),
	DATABASE_DIRECT_URL: z.string().startsWith('postgres').optional(),
	DATABASE_POOL_SIZE: z.coerce.number().int().min(2).default(10),
	REDIS_URL: z.string().startsWith('redis').optional(),

	SECRETS_KEY: z
		.base64()
		.refine(
			(key) => Buffer.from(key, 'base64').length === 32,
			'must be 32 bytes in base64 (openssl rand -base64 32)'
		),
	SECRETS_KEY_PREVIOUS: list.default([]),

	STRIPE_SECRET_KEY: z
		.string()
		.regex(/^(sk|rk)_(test|live)_/, 'must be a secret or restricted key'),
	STRIPE_WEBHOOK_SECRET: z.string().startsWith('whsec_'),
	STRIPE_API_URL: z.url().optional(),

	CLOUDFLARE_API_TOKEN: z.string().min(1),
	CLOUDFLARE_ACCOUNT_ID: z.string().min(1),
	CLOUDFLARE_ZONE_ID: z.string().min(1),
	CLOUDFLARE_TUNNEL_ID: z.string().min(1),
	CLOUDFLARE_API_URL: z.url().optional(),

	BASE_DOMAIN: z.string().default('sajet.us'),
	EDGE_URL: z.url().optional(),
	INTERNAL_URL: z.url().optional(),
	PUBLIC_DNS_SERVERS: list.default(['1.1.1.1', '8.8.8.8']),
	PUBLIC_DNS_AUTHORITATIVE_PORT: port.optional(),

	ACME_DIRECTORY_URL: z.url().default('https://acme-v02.api.letsencrypt.org/directory'),

	SSH_KEY_PATH: z.string().optional(),

	SMTP_URL: z.url({ protocol: /^smtps?$/ }),
	MAIL_FROM: z.string().default('Jeturing <no-reply@sajet.us>'),

	SANDBOX_URL: z.url().optional(),
	SECOND_FACTOR_REQUIRED: flag.optional()
});

export type Env = z.infer<typeof schema>;

/** The environment does not fit; the message is the whole list of what is wrong. */
export class EnvError extends Error {
	override name = 'EnvError';
}

/**
 * Reads and checks the environment. Empty variables count as unset.
 * @throws {EnvError} with one line per variable that is wrong
 */
export function readEnv(source: Record<string, string | undefined>): Env {
	const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
	// In English, whatever language the forms of this process speak: it is read by who starts it.
	const parsed = schema.safeParse(given, { error: z.locales.en().localeError });
	const problems = parsed.success
		? contradictions(parsed.data)
		: parsed.error.issues.map(({ path, message }) =>
				String(path[0]) in given ? `${path.join('.')}: ${message}` : `${path.join('.')}: is missing`
			);
	if (!parsed.success || problems.length > 0) {
		throw new EnvError(
			`The environment is not right:\n${problems.map((line) => `  - ${line}`).join('\n')}`
		);
	}
	return parsed.data;
}

/** What each value allows but their combination does not. */
function contradictions(env: Env): string[] {
	const problems: string[] = [];
	const live = /^(sk|rk)_live_/.test(env.STRIPE_SECRET_KEY);
	if (env.APP_ENV === 'production') {
		if (!live) problems.push('STRIPE_SECRET_KEY: a test key is refused with APP_ENV=production');
		if (env.EDGE_URL)
			problems.push('EDGE_URL: only for the sandbox, leave it empty with APP_ENV=production');
		if (env.PUBLIC_DNS_AUTHORITATIVE_PORT)
			problems.push(
				'PUBLIC_DNS_AUTHORITATIVE_PORT: only for the sandbox, leave it empty with APP_ENV=production'
			);
		if (env.SANDBOX_URL)
			problems.push('SANDBOX_URL: only for the sandbox, leave it empty with APP_ENV=production');
		if (!env.ORIGIN.startsWith('https:'))
			problems.push('ORIGIN: must be https with APP_ENV=production');
		for (const name of ['STRIPE_API_URL', 'CLOUDFLARE_API_URL', 'ACME_DIRECTORY_URL'] as const) {
			if (env[name] && isLoopback(env[name]))
				problems.push(`${name}: a sandbox address is refused with APP_ENV=production`);
		}
	} else if (live) {
		problems.push(`STRIPE_SECRET_KEY: a live key is refused with APP_ENV=${env.APP_ENV}`);
	}
	if (env.ROLE !== 'web' && !env.SSH_KEY_PATH)
		problems.push(`SSH_KEY_PATH: needed with ROLE=${env.ROLE}`);
	return problems;
}

function isLoopback(url: string): boolean {
	const { hostname } = new URL(url);
	return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

/** The checked environment of this process. */
export const env: Env = lazy(() => readEnv(process.env));
