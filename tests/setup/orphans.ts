import { expect } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { outside, type Outside } from './outside.ts';
import type { TestPlatform } from './platform.ts';

/**
 * Compares everything that exists of a slug anywhere with what its tenant's state allows: a live tenant has each of its
 * things exactly once, one that is gone (undone, refunded or deleted) has nothing, and money was given back once or not
 * at all. A tenant may be none: then nothing at all may be there.
 */
export async function expectNoOrphans(platform: TestPlatform, slug: string): Promise<void> {
	const world = outside(platform.sandbox);
	expect(await found(world, slug)).toEqual(await allowed(slug));
	await expectSettledRows(slug);
	await expectMoney(world, slug);
}

/** What there is, as one flat thing, so that a failure shows all of it. */
async function found(world: Outside, slug: string) {
	const tenant = await tenantOf(slug);
	const host = `${slug}.sajet.us`;
	const own = world.containers().filter(({ container }) => container.config.hostname === host);
	const rows = await db.container.findMany({
		where: { hostname: host, status: { not: 'deleted' } },
		select: { vmid: true, status: true, taskUpid: true }
	});
	const users = await db.user.findMany({
		where: { email: `ana@${slug}.example` },
		select: { memberships: { select: { customerId: true } } }
	});
	return {
		containers: own.map(({ container }) => `${container.vmid} ${container.status}`),
		containerRows: rows.map(({ vmid, status, taskUpid }) => `${vmid} ${status} ${taskUpid}`),
		leases: await db.ipAddress.count({ where: { container: { hostname: host } } }),
		databases: world.databases(slug),
		records: world.records(host).map(({ type, comment }) => `${type} ${comment}`),
		recordRows: await db.dnsRecord.count({ where: { name: host, deletedAt: null } }),
		rules: world.rules(host).map(({ service }) => service),
		users: users.map(({ memberships }) => memberships.length),
		secrets: await db.tenantSecret.count({ where: { tenant: { slug } } }),
		name: await holderOf(slug),
		published: tenant?.published ?? false,
		containerId: tenant?.containerId ?? null
	};
}

type Found = Awaited<ReturnType<typeof found>>;

/** What there must be. */
async function allowed(slug: string): Promise<Found> {
	const tenant = await tenantOf(slug);
	const nothing: Found = {
		...{ containers: [], containerRows: [], leases: 0, databases: [], records: [], recordRows: 0 },
		...{ rules: [], users: [], secrets: 0, published: false, containerId: null },
		name: await nameOfGone(slug)
	};
	if (!tenant || ['refunded', 'deleted'].includes(tenant.status)) {
		// A person outlives the instance.
		return tenant?.status === 'deleted' ? { ...nothing, users: [1] } : nothing;
	}
	const { container } = tenant;
	if (!container) throw new Error(`${slug} is ${tenant.status} and has no container`);
	const alone = container.purpose !== 'shared';
	const away = tenant.status === 'suspended' || tenant.status === 'deleting';
	return {
		containers: alone ? [`${container.vmid} running`] : [],
		containerRows: alone ? [`${container.vmid} running null`] : [],
		leases: alone ? 1 : 0,
		databases: [container.vmid],
		records: [`CNAME erpcore tenant ${tenant.id}`],
		recordRows: 1,
		// WebSocket and HTTP; one rule where the control plane answers.
		rules: away
			? [process.env.INTERNAL_URL!]
			: Array.from({ length: 2 }, () => `http://${container.ipAddress}:80`),
		users: [1],
		secrets: 1,
		name: 'tenant',
		published: true,
		containerId: container.id
	};
}

function tenantOf(slug: string) {
	return db.tenant.findFirst({
		where: { slug },
		orderBy: { createdAt: 'desc' },
		include: { container: true }
	});
}

/** Who holds the name: for good, or for the hours after a refund. */
async function holderOf(slug: string): Promise<string> {
	const held = await db.nameReservation.findUnique({ where: { slug } });
	if (!held) return 'nobody';
	return `${held.tenantId ? 'tenant' : 'signup'}${held.expiresAt ? ' for a while' : ''}`;
}

/** Who paid and was refunded has a day to try again; nobody else keeps a name. */
async function nameOfGone(slug: string): Promise<string> {
	const signup = await db.signup.findFirst({ where: { slug }, orderBy: { createdAt: 'desc' } });
	return signup?.status === 'refunded' ? 'signup for a while' : 'nobody';
}

/** No run is under way, no call is left without its outcome, nothing waits to be cleaned up. */
async function expectSettledRows(slug: string): Promise<void> {
	const tenants = await db.tenant.findMany({ where: { slug }, select: { id: true } });
	const runs = await db.provisioningJob.findMany({
		where: { subjectId: { in: tenants.map(({ id }) => id) } },
		select: { id: true, status: true }
	});
	const jobIds = runs.map(({ id }) => id);
	expect(runs.filter(({ status }) => !['succeeded', 'compensated'].includes(status))).toEqual([]);
	expect(
		await db.cleanupItem.findMany({ where: { jobId: { in: jobIds }, status: 'open' } })
	).toEqual([]);
	expect(await db.cloneTurn.count({ where: { jobId: { in: jobIds } } })).toBe(0);
	const calls = await db.vendorCall.findMany({
		where: { jobId: { in: jobIds }, status: 'pending' },
		select: { operation: true, key: true }
	});
	expect(calls).toEqual([]);
}

/** Every payment of a signup bought a running instance or was given back, whole and once. */
async function expectMoney(world: Outside, slug: string): Promise<void> {
	for (const signup of await db.signup.findMany({ where: { slug } })) {
		const customer = signup.customerId
			? await db.customer.findUnique({ where: { id: signup.customerId } })
			: null;
		if (!customer?.stripeCustomerId) continue;
		const statuses = world.subscriptions(signup.id).map(({ status }) => status);
		const back = world
			.refunds(customer.stripeCustomerId)
			.filter(({ status }) => status !== 'failed' && status !== 'canceled')
			.reduce((sum, { amount }) => sum + amount, 0);
		const refunded = signup.status === 'refunded';
		expect({ slug, status: signup.status, statuses, back }).toEqual({
			slug,
			status: refunded ? 'refunded' : 'completed',
			statuses: [refunded ? 'canceled' : 'active'],
			back: refunded ? world.paid(customer.stripeCustomerId) : 0
		});
	}
}

/** Whole-platform facts that no single slug shows: no marked container, lease or rule without its live row. */
export async function expectNothingLost(platform: TestPlatform): Promise<void> {
	const world = outside(platform.sandbox);
	const rows = await db.container.findMany({ where: { status: { not: 'deleted' } } });
	const live = new Map(rows.map((row) => [row.id, row.vmid]));
	const lost = world
		.containers()
		.filter(({ container, mark }) => !mark || live.get(mark.containerId) !== container.vmid);
	expect(lost.map(({ container }) => `${container.vmid} ${container.config.hostname}`)).toEqual([]);
	const leases = await db.ipAddress.findMany({
		where: { container: { status: 'deleted' } },
		select: { address: true }
	});
	expect(leases).toEqual([]);
	const hosts = new Set(
		(await db.tenant.findMany({ where: { published: true }, select: { slug: true } })).map(
			({ slug }) => `${slug}.sajet.us`
		)
	);
	const fixed = new Set(
		(await db.edgeHost.findMany({ select: { hostname: true } })).map(({ hostname }) => hostname)
	);
	const stray = world
		.ingress()
		.filter(({ hostname }) => hostname && !hosts.has(hostname) && !fixed.has(hostname));
	expect(stray).toEqual([]);
}
