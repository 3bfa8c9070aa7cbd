import { expect } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import type { Signup, Tenant } from '#prisma/generated/client.ts';
import { outside } from './outside.ts';
import type { TestPlatform } from './platform.ts';
import { eventually } from './queue.ts';

const PATIENCE = 100;

export function signupIs(id: string, status: Signup['status']): Promise<Signup> {
	return eventually(async () => {
		const signup = await db.signup.findUniqueOrThrow({ where: { id } });
		return signup.status === status && signup;
	}, PATIENCE);
}

export function tenantIs(slug: string, status: Tenant['status']): Promise<Tenant> {
	return eventually(async () => {
		const tenant = await db.tenant.findFirst({ where: { slug }, orderBy: { createdAt: 'desc' } });
		return tenant?.status === status && tenant;
	}, PATIENCE);
}

/** What the buyers of a signup paid and got back, in minor units, as Stripe has it. */
export function moneyOf(platform: TestPlatform, signupId: string) {
	const world = outside(platform.sandbox);
	const subscriptions = world.subscriptions(signupId);
	const customers = [...new Set(subscriptions.map(({ customer }) => String(customer)))];
	const refunds = customers.flatMap((id) => world.refunds(id));
	return {
		paid: customers.reduce((sum, id) => sum + world.paid(id), 0),
		back: refunds
			.filter(({ status }) => status === 'succeeded')
			.reduce((sum, { amount }) => sum + amount, 0),
		refunds: refunds.map(({ status }) => status),
		subscriptions: subscriptions.map(({ status }) => status).sort()
	};
}

/** Puts a record of somebody else's in the way of a name: its set-up fails for good. @returns what takes it away */
export async function standInTheWay(
	platform: TestPlatform,
	slug: string
): Promise<() => Promise<void>> {
	const { url, zone_id, token } = platform.sandbox.vendors.cloudflare;
	const records = `${url}/zones/${zone_id}/dns_records`;
	const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
	const name = `${slug}.sajet.us`;
	const body = JSON.stringify({ type: 'A', name, content: '192.0.2.7', ttl: 1 });
	const response = await fetch(records, { method: 'POST', headers, body });
	expect(response.status).toBe(200);
	return async () => {
		for (const { id } of outside(platform.sandbox).records(name))
			await fetch(`${records}/${id}`, { method: 'DELETE', headers });
	};
}
