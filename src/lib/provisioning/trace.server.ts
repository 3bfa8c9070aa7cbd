import type { Tx } from '#lib/core/db.server.ts';

/** Under what the doings of a tenant are filed: its runs, and the rows that calls and audit entries are about. */
export async function traceOfTenant(
	tx: Tx,
	tenantId: string
): Promise<{ jobIds: string[]; subjectIds: string[] }> {
	const tenant = await tx.tenant.findUnique({
		where: { id: tenantId },
		select: { subscriptionId: true }
	});
	const runs = await tx.provisioningJob.findMany({
		where: { subjectId: tenantId },
		select: { id: true }
	});
	const signups = await tx.signup.findMany({ where: { tenantId }, select: { id: true } });
	return {
		jobIds: runs.map(({ id }) => id),
		subjectIds: [
			tenantId,
			...signups.map(({ id }) => id),
			...(tenant?.subscriptionId ? [tenant.subscriptionId] : [])
		]
	};
}
