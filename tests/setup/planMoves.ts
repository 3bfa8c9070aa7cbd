import { db } from '#lib/core/db.server.ts';
import type { Plan, Tenant, TenantMigration } from '#prisma/generated/client.ts';
import { aPlan } from '../factories/plans.ts';
import { buy } from './buyers.ts';
import { signupIs, tenantIs } from './money.ts';
import type { TestPlatform } from './platform.ts';

/** A customer of basic who paid. @param card that the later payments are taken from */
export async function paying(platform: TestPlatform, slug: string, card?: string): Promise<Tenant> {
	const { signupId } = await buy(platform, 'basic', slug, card);
	await signupIs(signupId, 'completed');
	return tenantIs(slug, 'active');
}

/** A plan with a container of its own, the size of pro's unless said otherwise. */
export async function ownPlan(facts: Partial<Plan>): Promise<Plan> {
	const { id } = await aPlan({ isolation: 'dedicated' });
	const data = { cpuCores: 2, ramMb: 4096, diskGb: 50, ...facts, stripeDifferences: [] };
	return db.plan.update({ where: { id }, data });
}

export function lastMove({ id }: { id: string }): Promise<TenantMigration> {
	return db.tenantMigration.findFirstOrThrow({
		where: { tenantId: id },
		orderBy: { createdAt: 'desc' }
	});
}

/** Rules of the open alerts about an instance. */
export async function openAlerts({ id }: { id: string }): Promise<string[]> {
	const alerts = await db.alert.findMany({ where: { subjectId: id, closedAt: null } });
	return alerts.map(({ rule }) => rule).sort();
}

/** What a customer has paid so far, minor units. */
export async function paidOf({ customerId }: { customerId: string }): Promise<number> {
	const { _sum } = await db.invoice.aggregate({
		where: { customerId },
		_sum: { amountPaid: true }
	});
	return _sum.amountPaid ?? 0;
}
