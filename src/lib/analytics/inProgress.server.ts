import type { Tx } from '#lib/core/db.server.ts';
import type { TenantStatus } from '#prisma/generated/enums.ts';
import { latestRuns } from '../provisioning/tenantView.server.ts';

const UNFINISHED: TenantStatus[] = ['requested', 'waiting_capacity', 'provisioning', 'failed'];

/** Set-ups that are not done, the oldest first, with the step that each has reached. */
export async function setupsInProgress(tx: Tx, take: number) {
	const tenants = await tx.tenant.findMany({
		where: { status: { in: UNFINISHED } },
		orderBy: { createdAt: 'asc' },
		take,
		select: {
			id: true,
			slug: true,
			status: true,
			createdAt: true,
			queuedAt: true,
			plan: { select: { name: true } },
			customer: { select: { companyName: true } },
			container: { select: { vmid: true, node: { select: { name: true } } } }
		}
	});
	const runs = await latestRuns(
		tx,
		tenants.map(({ id }) => id)
	);
	return tenants.map(({ plan, customer, container, ...tenant }) => {
		const run = runs.get(tenant.id);
		const steps = run?.steps ?? [];
		const current = steps.find(({ status }) => status !== 'done' && status !== 'skipped');
		return {
			...tenant,
			plan: plan.name,
			company: customer.companyName,
			node: container?.node.name ?? null,
			vmid: container?.vmid ?? null,
			/** Null before the payment. */
			step: current?.name ?? null,
			/** Steps that are done. */
			done: steps.filter(({ status }) => status === 'done' || status === 'skipped').length,
			steps: steps.length,
			startedAt: run?.createdAt ?? null
		};
	});
}

export type SetupInProgress = Awaited<ReturnType<typeof setupsInProgress>>[number];
