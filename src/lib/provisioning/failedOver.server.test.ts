import { expect, it } from 'vitest';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { tunnelPerNode } from '../../../tests/setup/tunnelPerNode.ts';
import { db } from '#lib/core/db.server.ts';
import { clusterOf } from '../../sandbox/proxmox/cluster.ts';
import { haOf } from '../../sandbox/proxmox/ha.ts';
import { haForCustomer, haOfContainer } from '../infrastructure/ha/haView.server.ts';
import { collectMetrics } from '../infrastructure/metrics/metrics.server.ts';
import { checkNodes } from '../infrastructure/nodes/nodes.server.ts';
import { openSignup } from './signups.server.ts';
import { probeAll } from './uptime/probe.server.ts';

const platform = await testPlatform();
const pve = clusterOf(platform.sandbox.kernel);
/** A whole set-up, twice, on a machine that does much else. */
const LONG = { timeout: 120_000 };

const visitor = { ip: '203.0.113.7', locale: 'es' as const, signupId: null };
const input = (subdomain: string) => ({
	...{ plan: 'enterprise', subdomain, company_name: 'Cacao Real S.A.', full_name: 'Ana Pérez' },
	...{ email: `ana@${subdomain}.example`, country: 'EC', terms: true as const }
});

async function buy(slug: string): Promise<void> {
	const { signupId } = await openSignup(input(slug), visitor);
	const session = await db.checkoutSession.findFirstOrThrow({
		where: { signupId, status: 'open' }
	});
	await platform.stripe(`/checkout/${session.stripeSessionId}/pay`, { card: '4242424242424242' });
}

const tenantIn = (slug: string, status: string) =>
	eventually(async () => {
		const tenant = await db.tenant.findFirst({
			where: { slug },
			include: { container: { include: { node: true, haNode: true } } }
		});
		return tenant?.status === status && tenant;
	}, 60);

const where = (slug: string) =>
	db.tenant.findFirstOrThrow({
		where: { slug },
		include: { container: { include: { node: true, haNode: true } } }
	});

it(
	'is paid, runs on two nodes, and answers from the second one when the first dies',
	LONG,
	async () => {
		await buy('cacao-ha');
		const tenant = await tenantIn('cacao-ha', 'active');
		const { vmid, node, haNode } = tenant.container!;
		expect(haOf(pve).resourceOf(vmid)).toMatchObject({ state: 'started' });
		expect(await haForCustomer(db, tenant.id)).toMatchObject({ is: 'on', last: null });
		await checkNodes();
		await collectMetrics();
		await probeAll();

		pve.setOnline(node.name, false);
		await eventually(
			() => Promise.resolve(pve.state.containers[vmid]!.node === haNode!.name || undefined),
			20
		);
		await checkNodes();
		await collectMetrics();
		await eventually(async () => {
			await probeAll();
			return (await db.failover.count({ where: { answeredAt: { not: null } } })) > 0 || undefined;
		}, 20);
		const page = await platform.open('cacao-ha.sajet.us', '/web/login');
		expect([page.status, page.body.includes('value="cacao-ha"')]).toEqual([200, true]);

		const view = await haOfContainer(db, tenant.containerId!);
		expect(view).toMatchObject({
			...{ state: 'alone', node: { name: haNode!.name } },
			...{ partner: { name: node.name, isAway: true }, replicated: false },
			failovers: [{ from: node.name, to: haNode!.name }]
		});
		const { lostAt, answeredAt } = view!.failovers[0]!;
		expect(answeredAt!.getTime()).toBeGreaterThanOrEqual(lostAt.getTime());
		const mail = await eventually(() =>
			db.emailMessage.findFirst({ where: { template: 'failed_over' } })
		);
		expect(mail).toMatchObject({ toAddress: 'ana@cacao-ha.example' });
		// Both nodes share the storage: nothing is said to be lost.
		expect(mail.data).not.toHaveProperty('copy');
		expect(await haForCustomer(db, tenant.id)).toMatchObject({ is: 'away', last: { lostAt } });
		pve.setOnline(node.name, true);
		await checkNodes();
	}
);

it(
	'leaves the tunnel of the dead node for that of the other one, where tunnels go by node',
	LONG,
	async () => {
		const tunnels = await tunnelPerNode(platform.sandbox.kernel);
		await buy('por-nodo');
		await tenantIn('por-nodo', 'active');
		const before = await where('por-nodo');
		expect(before.tunnelId).toBe(tunnels.tunnelOf(before.container!.nodeId));
		await checkNodes();
		await collectMetrics();
		pve.setOnline(before.container!.node.name, false);
		const { vmid, haNode } = before.container!;
		await eventually(
			() => Promise.resolve(pve.state.containers[vmid]!.node === haNode!.name || undefined),
			20
		);
		await checkNodes();
		await collectMetrics();
		await eventually(async () => {
			const { tunnelId } = await where('por-nodo');
			const leads = tunnels.leads('por-nodo.sajet');
			const isThere = leads.length === 1 && leads[0] === tunnelId;
			return (isThere && tunnelId === tunnels.tunnelOf(haNode!.id)) || undefined;
		}, 60);
		await eventually(async () => {
			const { status } = await platform.open('por-nodo.sajet.us', '/web/login');
			return status === 200 || undefined;
		}, 30);
		pve.setOnline(before.container!.node.name, true);
		await checkNodes();
	}
);

it(
	'is given its money back, with nothing left, when the token may not ask for high availability',
	LONG,
	async () => {
		platform.fault({
			...{
				target: 'proxmox',
				match: '^POST /api2/json/cluster/ha/resources',
				kind: 'status',
				status: 403
			},
			times: 1_000
		});
		const before = Object.keys(pve.state.containers).length;
		await buy('sin-permiso');
		await tenantIn('sin-permiso', 'refunded');
		expect(Object.keys(pve.state.containers)).toHaveLength(before);
		expect(haOf(pve).state.resources).toHaveLength(2);
		expect(haOf(pve).state.rules).toHaveLength(2);
	}
);

it('is not sold where no cluster could run it', async () => {
	pve.setOnline('pve3', false);
	await db.node.updateMany({ where: { name: 'pve3' }, data: { status: 'offline' } });
	await expect(openSignup(input('otra'), visitor)).rejects.toMatchObject({
		code: 'PLAN_NOT_PURCHASABLE'
	});
});
