import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { closeAlert, openAlert } from '../notifications/alerts.server.ts';
import { setting } from '../settings/settings.server.ts';
import { lookAtHealth, lookFromOutside, type Seen } from '../domains/custom/answer.server.ts';
import { askForCheck } from '../domains/custom/customDomains.server.ts';
import { transition } from './tenantState.server.ts';

const AT_A_TIME = 20;

/** Looks at every tenant that should be on the air, through the edge, as the world sees it. */
export async function probeAll(): Promise<void> {
	let after: string | undefined;
	for (;;) {
		const tenants = await db.tenant.findMany({
			where: {
				status: { in: ['active', 'degraded'] },
				containerId: { not: null },
				...(after && { id: { gt: after } })
			},
			orderBy: { id: 'asc' },
			take: AT_A_TIME,
			include: {
				baseDomain: { select: { name: true } },
				domains: {
					where: { isPrimary: true, status: 'active', published: true },
					select: { id: true, hostname: true }
				}
			}
		});
		await Promise.all(tenants.map((tenant) => probe(tenant)));
		after = tenants.at(-1)?.id;
		if (tenants.length < AT_A_TIME) return;
	}
}

type Probed = Awaited<ReturnType<typeof db.tenant.findMany>>[number] & {
	baseDomain: { name: string };
	domains: { id: string; hostname: string }[];
};

async function probe(tenant: Probed): Promise<void> {
	const seen = await look(tenant);
	const misses = seen.ok ? 0 : tenant.probeMisses + 1;
	const most = await setting('provisioning.probe_misses');
	try {
		await transaction(async (tx) => {
			if (misses !== tenant.probeMisses)
				await tx.tenant.update({ where: { id: tenant.id }, data: { probeMisses: misses } });
			if (tenant.status === 'active' && misses >= most) {
				await transition(tx, tenant, 'degraded', { statusReason: seen.detail });
				await openAlert(tx, {
					rule: 'provisioning.tenant-down',
					subjectType: 'tenant',
					subjectId: tenant.id,
					severity: 'critical',
					data: { slug: tenant.slug, seen: seen.detail }
				});
			} else if (tenant.status === 'degraded' && seen.ok) {
				await transition(tx, tenant, 'active', { statusReason: null });
				await closeAlert(tx, {
					rule: 'provisioning.tenant-down',
					subjectType: 'tenant',
					subjectId: tenant.id
				});
			}
		});
	} catch (error) {
		// Somebody suspended or deleted it while we looked: there is nothing to say any more.
		if (!(error instanceof AppError && error.code === 'CHANGED_MEANWHILE')) throw error;
	}
}

/**
 * What the platform's own name shows. While a primary domain is at work that one is looked at; when it does not answer, the
 * instance may be well and the domain broken, which is then looked into at once.
 */
async function look({ slug, baseDomain, databaseName, domains }: Probed): Promise<Seen> {
	const platform = `${slug}.${baseDomain.name}`;
	const [primary] = domains;
	if (!primary) return lookFromOutside({ hostname: platform, databaseName });
	const seen = await lookFromOutside({ hostname: primary.hostname, databaseName });
	if (seen.ok) return seen;
	const health = await lookAtHealth(platform);
	if (health.ok) await transaction((tx) => askForCheck(tx, primary));
	return health;
}
