import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { readiness } from '#lib/core/readiness.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { setupSpeed } from '#lib/provisioning/speed.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	const { checks } = await readiness([]);
	return { at: now(), checks, figures: checks.database === 'ok' ? await figures() : null };
};

/** Counts alone: whose they are is nobody's business. */
async function figures() {
	const nodes = await db.node.groupBy({ by: ['status'], _count: true });
	const tenants = await db.tenant.groupBy({
		by: ['status'],
		where: { status: { in: ['active', 'degraded', 'provisioning', 'waiting_capacity'] } },
		_count: true
	});
	const nodesIn = (status: string) => nodes.find((row) => row.status === status)?._count ?? 0;
	const tenantsIn = (status: string) => tenants.find((row) => row.status === status)?._count ?? 0;
	const active = tenantsIn('active');
	return {
		nodesOnline: nodesIn('online'),
		// Maintenance is announced, and no failure.
		nodes: nodesIn('online') + nodesIn('offline'),
		answering: active,
		instances: active + tenantsIn('degraded'),
		running: tenantsIn('provisioning'),
		waiting: tenantsIn('waiting_capacity'),
		speed: await setupSpeed(db)
	};
}
