import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { dateTime, duration } from '#lib/ui/format.ts';
import { downtimeOf } from '../infrastructure/ha/failovers.server.ts';
import { audit, SYSTEM } from '../logs/audit.server.ts';
import { queueMail } from '../notifications/mail.server.ts';
import { notify } from '../notifications/notifications.server.ts';
import { setting } from '../settings/settings.server.ts';

/**
 * Tells the customers of a container whose node died, once its instances answer again: how long they were off the air, and
 * how old the copy was that they went on with.
 */
async function tellFailedOver(failoverId: string): Promise<void> {
	const failover = await db.failover.findUnique({
		where: { id: failoverId },
		include: {
			container: {
				select: {
					guard: { select: { replicated: true } },
					tenants: {
						where: { status: { in: ['active', 'degraded'] }, published: true },
						include: { customer: true }
					}
				}
			}
		}
	});
	if (!failover?.answeredAt) return;
	const zone = await setting('general.timezone');
	const { container, lostAt, copiedAt } = failover;
	const ms = downtimeOf(failover);
	for (const tenant of container.tenants) {
		const { customer, slug, locale } = tenant;
		const lost = container.guard?.replicated !== false;
		await transaction(async (tx) => {
			await notify(tx, {
				...{ customerId: customer.id, kind: 'failed_over', severity: 'warning' as const },
				...{ data: { slug, ms }, href: '/tenant/portal' },
				dedupeKey: `failed-over:${failoverId}:${tenant.id}`
			});
			await queueMail(tx, {
				...{ template: 'failed_over' as const, userId: null, customerId: customer.id },
				...{ to: customer.email, locale },
				data: {
					...{ name: customer.fullName, company: customer.companyName, subdomain: slug },
					at: dateTime(lostAt, locale, zone),
					downtime: duration(ms, locale),
					...(lost && {
						copy: copiedAt
							? {
									at: dateTime(copiedAt, locale, zone),
									age: duration(Math.max(0, lostAt.getTime() - copiedAt.getTime()), locale)
								}
							: null
					})
				},
				dedupeKey: `failed-over:${failoverId}:${tenant.id}`
			});
			await audit(tx, {
				...{ actor: SYSTEM, action: 'tenants.failed-over', customerId: customer.id },
				subject: { type: 'tenant', id: tenant.id },
				after: { downtime_ms: ms, copied_at: copiedAt?.toISOString() ?? null }
			});
		});
	}
}

defineJob({
	name: 'provisioning.failed-over',
	payload: z.object({ failoverId: z.uuid() }),
	run: ({ failoverId }) => tellFailedOver(failoverId),
	queue: { retryLimit: 10 }
});
