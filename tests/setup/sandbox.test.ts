import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { env } from '#lib/core/env.server.ts';
import { testSandbox } from './sandbox.ts';

const sandbox = await testSandbox();

test('the environment fits and points at the stand-ins', async () => {
	expect(env.STRIPE_API_URL).toBe(sandbox.vendors.stripe.url);
	expect(existsSync(env.SSH_KEY_PATH ?? '')).toBe(true);
	const answer = await fetch(`${env.CLOUDFLARE_API_URL}/zones/${env.CLOUDFLARE_ZONE_ID}`, {
		headers: { authorization: `Bearer ${env.CLOUDFLARE_API_TOKEN}` }
	});
	expect(await answer.json()).toMatchObject({ success: true, result: { name: env.BASE_DOMAIN } });
});
