import { describe, expect, it } from 'vitest';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { db } from '#lib/core/db.server.ts';
import { publicUrl } from '../domains/base/baseDomains.server.ts';
import { openSignup } from './signups.server.ts';

const platform = await testPlatform();

const visitor = { ip: '203.0.113.7', locale: 'es' as const, signupId: null };
const input = (plan: string, subdomain: string) => ({
	plan,
	subdomain,
	company_name: 'Cacao Real S.A.',
	full_name: 'Ana Pérez',
	email: `ana@${subdomain}.example`,
	country: 'EC',
	terms: true as const
});

async function pay(signupId: string, card = '4242424242424242') {
	const session = await db.checkoutSession.findFirstOrThrow({
		where: { signupId, status: 'open' }
	});
	return platform.stripe(`/checkout/${session.stripeSessionId}/pay`, { card });
}

const tenantIn = (slug: string, status: string) =>
	eventually(async () => {
		const tenant = await db.tenant.findFirst({ where: { slug }, include: { container: true } });
		return tenant?.status === status && tenant;
	}, 30);

describe('a signup that is paid', () => {
	it.each(['basic', 'pro'])('becomes a running %s instance', async (plan) => {
		const slug = `cacao-${plan}`;
		const { signupId } = await openSignup(input(plan, slug), visitor);
		await pay(signupId);
		const tenant = await tenantIn(slug, 'active');

		const page = await platform.open(`${slug}.sajet.us`, '/web/login');
		expect(page.status).toBe(200);
		expect(page.body).toContain(`value="${slug}"`);
		expect(publicUrl(slug, 'sajet.us')).toContain(`//${slug}.localhost:`);
		expect(tenant.container?.purpose).toBe(plan === 'basic' ? 'shared' : 'odoo');
		const mail = await db.emailMessage.findFirstOrThrow({
			where: { dedupeKey: `welcome:${tenant.id}` }
		});
		expect(mail.toAddress).toBe(`ana@${slug}.example`);
		// The tenant is active a moment before its run says that the last step is done.
		await eventually(() =>
			db.provisioningJob.findFirst({ where: { subjectId: tenant.id, status: 'succeeded' } })
		);
		const steps = await db.provisioningStep.findMany({
			where: { customerId: tenant.customerId },
			orderBy: { position: 'asc' }
		});
		expect(steps.map(({ name, status }) => `${name} ${status}`)).toEqual(
			['place', 'container', 'database', 'dns', 'ingress', 'verify', 'activate'].map(
				(name) => `${name} done`
			)
		);
	});
});
