import { describe, expect, it } from 'vitest';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { tunnelPerNode } from '../../../tests/setup/tunnelPerNode.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SagaStop } from '#lib/core/saga.server.ts';
import { setPoolTarget } from '../infrastructure/pools/pools.server.ts';
import { clusterOf } from '../../sandbox/proxmox/cluster.ts';
import { publicUrl } from '../domains/base/baseDomains.server.ts';
import { createTenantSaga } from './createTenant.server.ts';
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

describe('with a container that was made ahead', { timeout: 60_000 }, () => {
	const by = { kind: 'staff', id: null, label: 'ana@example.com' } as const;
	const ready = () =>
		eventually(async () => {
			const warm = await db.container.findFirst({ where: { warmPlanId: { not: null } } });
			const run =
				warm && (await db.provisioningJob.findFirst({ where: { id: warm.createdByJobId! } }));
			return run?.status === 'succeeded' && warm;
		}, 30);

	it('a set-up copies nothing, and another one is made', async () => {
		const { id: nodeId } = await db.node.findFirstOrThrow({ where: { name: 'pve2' } });
		await transaction((tx) => setPoolTarget(tx, { nodeId, plan: 'pro', target: 1 }, by));
		const warm = await ready();
		const { signupId } = await openSignup(input('pro', 'listo'), visitor);
		await pay(signupId);
		const tenant = await tenantIn('listo', 'active');
		expect(tenant.containerId).toBe(warm.id);
		const page = await platform.open('listo.sajet.us', '/web/login');
		expect(page.body).toContain('value="listo"');
		const jobId = tenant.container!.createdByJobId!;
		const calls = await db.vendorCall.findMany({ where: { jobId, vendor: 'proxmox' } });
		expect(calls.map(({ operation }) => operation)).toEqual(['lxc.config.set']);
		expect((await ready()).id).not.toBe(warm.id);
	});

	it('one that is given up before it looked at it leaves nothing behind', async () => {
		const warm = await ready();
		const { before } = createTenantSaga;
		createTenantSaga.before = async (context) => {
			if (context.trace.stepName === 'container') throw new SagaStop('nobody pays any more');
			await before?.(context);
		};
		try {
			const { signupId } = await openSignup(input('pro', 'nada'), visitor);
			await pay(signupId);
			await tenantIn('nada', 'refunded');
			await eventually(() =>
				db.provisioningJob.findFirst({ where: { status: 'compensated', saga: 'tenants.create' } })
			);
		} finally {
			createTenantSaga.before = before;
		}
		expect(await db.container.findUniqueOrThrow({ where: { id: warm.id } })).toMatchObject({
			status: 'deleted'
		});
		const { containers } = clusterOf(platform.sandbox.kernel).state;
		expect(JSON.stringify(containers)).not.toContain(warm.id);
		await db.warmPool.updateMany({ data: { target: 0 } });
	});
});

it('goes through the tunnel of its node where tunnels go by node', async () => {
	const { tunnelOf, leads } = await tunnelPerNode(platform.sandbox.kernel);
	const { signupId } = await openSignup(input('pro', 'por-nodo'), visitor);
	await pay(signupId);
	const { tunnelId, containerId } = await tenantIn('por-nodo', 'active');
	const { nodeId } = await db.container.findUniqueOrThrow({ where: { id: containerId! } });
	expect(tunnelId).toBe(tunnelOf(nodeId));
	expect((await platform.open('por-nodo.sajet.us', '/web/login')).status).toBe(200);
	expect(leads('por-nodo.sajet.us')).toEqual([tunnelId]);
});
