import { describe, expect, it } from 'vitest';
import { EnvError, readEnv } from './env.server.ts';

const good = {
	APP_ENV: 'production',
	ORIGIN: 'https://erp.sajet.us',
	DATABASE_URL: 'postgres://erp@db/erp_core',
	SECRETS_KEY: Buffer.alloc(32, 1).toString('base64'),
	STRIPE_SECRET_KEY: 'sk_live_x',
	STRIPE_WEBHOOK_SECRET: 'whsec_x',
	CLOUDFLARE_API_TOKEN: 'token',
	CLOUDFLARE_ACCOUNT_ID: 'account',
	CLOUDFLARE_ZONE_ID: 'zone',
	CLOUDFLARE_TUNNEL_ID: 'tunnel',
	SSH_KEY_PATH: '/run/secrets/ssh',
	SMTP_URL: 'smtps://mail'
};

function problems(change: Record<string, string | undefined>): string {
	try {
		readEnv({ ...good, ...change });
	} catch (error) {
		if (error instanceof EnvError) return error.message;
		throw error;
	}
	return '';
}

describe('the environment', () => {
	it('is read with its defaults; empty counts as unset', () => {
		expect(readEnv({ ...good, REDIS_URL: '', PORT: '' })).toMatchObject({
			ROLE: 'all',
			PORT: 4443,
			BASE_DOMAIN: 'sajet.us'
		});
	});

	it('names everything that is wrong at once', () => {
		const message = problems({ ORIGIN: 'nowhere', SECRETS_KEY: 'short', DATABASE_URL: undefined });
		for (const name of ['ORIGIN', 'SECRETS_KEY', 'DATABASE_URL'])
			expect(message).toContain(`  - ${name}`);
	});

	it.each([
		['a test key in production', { STRIPE_SECRET_KEY: 'sk_test_x' }, 'a test key is refused'],
		['the sandbox edge in production', { EDGE_URL: 'http://localhost:4503' }, 'EDGE_URL'],
		[
			"the port of the sandbox's name servers in production",
			{ PUBLIC_DNS_AUTHORITATIVE_PORT: '4504' },
			'PUBLIC_DNS_AUTHORITATIVE_PORT'
		],
		[
			'a sandbox address in production',
			{ CLOUDFLARE_API_URL: 'http://127.0.0.1:4502' },
			'CLOUDFLARE_API_URL'
		],
		[
			"the sandbox's certificate authority in production",
			{ ACME_DIRECTORY_URL: 'http://127.0.0.1:4512/directory' },
			'ACME_DIRECTORY_URL'
		],
		['plain http in production', { ORIGIN: 'http://erp.sajet.us' }, 'must be https'],
		['a live key in the demo', { APP_ENV: 'demo' }, 'a live key is refused'],
		['a worker without a key for SSH', { SSH_KEY_PATH: undefined }, 'SSH_KEY_PATH']
	])('refuses %s', (_name, change, sentence) => {
		expect(problems(change)).toContain(sentence);
	});

	it('lets a web process go without the key for SSH', () => {
		expect(problems({ ROLE: 'web', SSH_KEY_PATH: undefined })).toBe('');
	});
});
