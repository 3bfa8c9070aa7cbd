/** Runs before every test file: the environment of a test, and nothing may be written to the console. */
import { afterEach, beforeEach } from 'vitest';
import { noticeConsole, unexpectedConsole } from './console.ts';

// What a test does not set itself. Every address is one where nobody listens, so that nothing leaves the machine.
const defaults: Record<string, string> = {
	APP_ENV: 'development',
	ROLE: 'all',
	ORIGIN: 'http://localhost:4443',
	LOG_LEVEL: 'silent',
	DATABASE_URL: 'postgres://nobody@127.0.0.1:9/call_testDatabase_first',
	DATABASE_POOL_SIZE: '5',
	SECRETS_KEY: Buffer.alloc(32, 7).toString('base64'),
	STRIPE_SECRET_KEY: 'sk_test_tests',
	STRIPE_WEBHOOK_SECRET: 'whsec_tests',
	STRIPE_API_URL: 'http://127.0.0.1:9',
	CLOUDFLARE_API_URL: 'http://127.0.0.1:9/client/v4',
	CLOUDFLARE_API_TOKEN: 'tests',
	CLOUDFLARE_ACCOUNT_ID: '00000000000000000000000000000000',
	CLOUDFLARE_ZONE_ID: '00000000000000000000000000000000',
	CLOUDFLARE_TUNNEL_ID: '00000000-0000-4000-8000-000000000000',
	BASE_DOMAIN: 'sajet.us',
	PUBLIC_DNS_SERVERS: '127.0.0.1:9',
	SSH_KEY_PATH: '/nonexistent/ssh_key',
	SMTP_URL: 'smtp://127.0.0.1:9',
	MAIL_FROM: 'Jeturing <no-reply@sajet.us>'
};
// The caller's own settings must not decide how a test ends.
for (const name of [
	...['REDIS_URL', 'DATABASE_DIRECT_URL', 'EDGE_URL', 'SANDBOX_URL'],
	'PUBLIC_DNS_AUTHORITATIVE_PORT'
]) {
	delete process.env[name];
}
Object.assign(process.env, defaults);

beforeEach(noticeConsole);

afterEach(() => {
	const lines = unexpectedConsole();
	if (lines.length > 0) {
		throw new Error(
			`The console was written to (expectConsole() where that is right):\n${lines.join('\n')}`
		);
	}
});
