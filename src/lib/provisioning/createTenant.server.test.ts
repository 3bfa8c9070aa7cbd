import { describe, expect, it } from 'vitest';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { db } from '#lib/core/db.server.ts';
import { newTunnelForm } from '../domains/tunnels/tunnelForms.ts';
import { createTunnel } from '../domains/tunnels/tunnelActs.server.ts';
import { isMade } from '../domains/tunnels/tunnelRow.ts';
import { watchTunnels } from '../domains/tunnels/tunnelState.server.ts';
import { forgetSettings } from '../settings/settings.server.ts';
import { cloudflareDocument } from '../../sandbox/cloudflare/state.ts';
import { testCloudflared } from '../../sandbox/cloudflared/testing.ts';
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

it('goes through the tunnel of its node where tunnels go by node', async () => {
	const { kernel } = platform.sandbox;
	await db.setting.create({
		data: { key: 'cloudflare.tunnel_per', category: 'cloudflare', value: 'node' }
	});
	forgetSettings();
	const by = { kind: 'staff' as const, id: crypto.randomUUID(), label: 'ana@jeturing.example' };
	const own = new Set<string>();
	for (const { id: nodeId, name } of await db.node.findMany()) {
		const form = newTunnelForm.parse({ name: `by-${name}`, node_id: nodeId });
		const { id } = await createTunnel(form, by);
		const { cloudflareId } = await eventually(async () => {
			const tunnel = await db.tunnel.findUniqueOrThrow({ where: { id } });
			return isMade(tunnel) && tunnel;
		});
		await testCloudflared(
			kernel,
			{ node: name, vmid: null },
			{ tunnelId: cloudflareId, source: 'cloudflare' }
		);
		own.add(id);
	}
	await watchTunnels();
	const { signupId } = await openSignup(input('pro', 'por-nodo'), visitor);
	await pay(signupId);
	const { tunnelId } = await tenantIn('por-nodo', 'active');
	expect(own).toContain(tunnelId);
	expect((await platform.open('por-nodo.sajet.us', '/web/login')).status).toBe(200);
	const { cloudflareId } = await db.tunnel.findUniqueOrThrow({ where: { id: tunnelId! } });
	const { tunnels } = cloudflareDocument(kernel).get();
	const holders = tunnels.filter(({ config }) => JSON.stringify(config).includes('por-nodo.sajet'));
	expect(holders.map(({ id }) => id)).toEqual([cloudflareId]);
});
