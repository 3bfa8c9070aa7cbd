import { createInvoicedSubscription } from '#lib/billing/subscriptions.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { openSignup } from '#lib/provisioning/signups.server.ts';
import { reserveName } from '#lib/provisioning/reservations.server.ts';
import { provision } from '#lib/provisioning/tenants.server.ts';
import { clusterOf } from '../../src/sandbox/proxmox/cluster.ts';
import { GIB } from '../../src/sandbox/proxmox/state.ts';
import type { TestPlatform } from './platform.ts';

export type PlanKey = 'basic' | 'pro';

/** What a visitor types. */
export const typed = (plan: PlanKey, subdomain: string, email = `ana@${subdomain}.example`) => ({
	plan,
	subdomain,
	company_name: 'Cacao Real S.A.',
	full_name: 'Ana Pérez',
	email,
	country: 'EC',
	terms: true as const
});

export const someVisitor = { ip: null, locale: 'es' as const, signupId: null };

/** A visitor who has filled in the form and has Stripe's page before him. */
export async function signUp(
	plan: PlanKey,
	slug: string,
	email?: string
): Promise<{ signupId: string; stripeSessionId: string }> {
	const { signupId } = await openSignup(typed(plan, slug, email), someVisitor);
	return { signupId, stripeSessionId: await openSessionOf(signupId) };
}

export async function openSessionOf(signupId: string): Promise<string> {
	const session = await db.checkoutSession.findFirstOrThrow({
		where: { signupId, status: 'open' }
	});
	if (!session.stripeSessionId) throw new Error(`signup ${signupId} has no session at Stripe`);
	return session.stripeSessionId;
}

/** A visitor who pays. @param card digits of a test card, `bank` for a debit whose outcome comes later */
export async function buy(
	platform: TestPlatform,
	plan: PlanKey,
	slug: string,
	card = '4242424242424242'
): Promise<{ signupId: string; stripeSessionId: string }> {
	const opened = await signUp(plan, slug);
	await platform.stripe(`/checkout/${opened.stripeSessionId}/pay`, { card });
	return opened;
}

/**
 * A tenant that staff gave away, whose set-up starts: the same set-up as one that was paid, without Stripe.
 * @param known is told the run before it can start
 */
export async function giveAway(
	plan: PlanKey,
	slug: string,
	known: (jobId: string) => void = () => {}
): Promise<{ tenantId: string; jobId: string }> {
	return transaction(async (tx) => {
		const wanted = await tx.plan.findFirstOrThrow({
			where: { key: plan, replacedAt: null },
			include: { prices: true }
		});
		const customer = await tx.customer.create({
			data: {
				...{ companyName: 'Cacao Real S.A.', fullName: 'Ana Pérez', email: `ana@${slug}.example` },
				country: 'EC'
			}
		});
		const subscription = await createInvoicedSubscription(tx, {
			...{ customerId: customer.id, plan: wanted, billing: 'free', reason: 'tests' }
		});
		const baseDomain = await tx.baseDomain.findFirstOrThrow({ where: { isDefault: true } });
		const tenant = await tx.tenant.create({
			data: {
				...{ customerId: customer.id, planId: wanted.id, subscriptionId: subscription.id },
				...{ baseDomainId: baseDomain.id, slug, databaseName: slug, country: 'EC' },
				isolation: wanted.isolation
			}
		});
		await reserveName(tx, slug, { tenantId: tenant.id });
		const jobId = await provision(tx, tenant, null);
		known(jobId);
		return { tenantId: tenant.id, jobId };
	});
}

/** Room for hundreds of containers, and as many addresses. @param perShared tenants in each shared container */
export async function makeRoom(platform: TestPlatform, perShared: number): Promise<void> {
	const cluster = clusterOf(platform.sandbox.kernel);
	for (const node of cluster.state.nodes) {
		Object.assign(node, { cores: 4096, memoryBytes: 65_536 * GIB, rootBytes: 900_000 * GIB });
	}
	for (const storage of cluster.state.storages) storage.totalBytes = 900_000 * GIB;
	await db.node.updateMany({
		data: { cpuTotal: 4096, ramTotalMb: 65_536 * 1024, diskTotalGb: 900_000, maxContainers: 2000 }
	});
	await db.addressPool.updateMany({ data: { network: '10.10.0.0/16' } });
	await db.setting.create({
		data: {
			...{ key: 'provisioning.tenants_per_shared_container', category: 'provisioning' },
			value: perShared
		}
	});
}
