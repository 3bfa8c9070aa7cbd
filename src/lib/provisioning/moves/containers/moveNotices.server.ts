import type { Tx } from '#lib/core/db.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { queueMail } from '#lib/notifications/mail.server.ts';
import { notify } from '#lib/notifications/notifications.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { dateTime, duration } from '#lib/ui/format.ts';
import type { ContainerMove, Prisma, TenantMigration } from '#prisma/generated/client.ts';
import { troubleInBoth } from '../moveWords.ts';

const tenant = { select: { slug: true, status: true, customer: true } } as const;

/** The customers of a planned move hear when it will be: in writing, and in the portal. */
export async function tellPlanned(tx: Tx, moveId: string, notBefore: Date): Promise<void> {
	const migrations = await tx.tenantMigration.findMany({
		where: { containerMoveId: moveId, status: 'planned' },
		include: { tenant }
	});
	await tellOfTime(tx, notBefore, migrations);
}

type Told = Prisma.TenantMigrationGetPayload<{ include: { tenant: typeof tenant } }>;

/** @param notBefore when they begin */
export async function tellOfTime(tx: Tx, notBefore: Date, migrations: Told[]): Promise<void> {
	const zone = await setting('general.timezone');
	for (const { id, customerId, expectedMs, tenant } of migrations) {
		const { slug, customer, status } = tenant;
		// Who is off the air anyway need not be told.
		if (status === 'suspended') continue;
		const key = plannedKey(id, notBefore);
		await notify(tx, {
			customerId,
			kind: 'tenant_move_planned',
			severity: 'info',
			data: {
				slug,
				...{ at_es: dateTime(notBefore, 'es', zone), at_en: dateTime(notBefore, 'en', zone) },
				minutes: Math.max(1, Math.round((expectedMs ?? 0) / 60_000))
			},
			href: '/tenant/portal',
			dedupeKey: key
		});
		await queueMail(tx, {
			...{ template: 'move_planned', userId: null, customerId, dedupeKey: key },
			...{ to: customer.email, locale: customer.locale },
			data: {
				...{ name: customer.fullName, company: customer.companyName, subdomain: slug },
				at: dateTime(notBefore, customer.locale, zone),
				downtime: duration(Math.max(60_000, expectedMs ?? 0), customer.locale)
			}
		});
	}
}

/** A move that customers were told of does not happen: whoever was told hears it, in writing and in the portal. */
export async function tellCalledOff(
	tx: Tx,
	migrations: Pick<TenantMigration, 'id' | 'tenantId' | 'notBefore'>[]
): Promise<void> {
	const zone = await setting('general.timezone');
	for (const { id, tenantId, notBefore } of migrations) {
		if (!notBefore) continue;
		const told = await tx.emailMessage.findUnique({
			where: { dedupeKey: plannedKey(id, notBefore) },
			select: { id: true }
		});
		if (!told) continue;
		const { slug, customerId, customer } = await tx.tenant.findUniqueOrThrow({
			where: { id: tenantId },
			select: { slug: true, customerId: true, customer: true }
		});
		const key = `move-called-off:${id}:${notBefore.getTime()}`;
		await notify(tx, {
			customerId,
			kind: 'tenant_move_called_off',
			severity: 'info',
			data: {
				slug,
				...{ at_es: dateTime(notBefore, 'es', zone), at_en: dateTime(notBefore, 'en', zone) }
			},
			href: '/tenant/portal',
			dedupeKey: key
		});
		await queueMail(tx, {
			...{ template: 'move_called_off', userId: null, customerId, dedupeKey: key },
			...{ to: customer.email, locale: customer.locale },
			data: {
				...{ name: customer.fullName, company: customer.companyName, subdomain: slug },
				at: dateTime(notBefore, customer.locale, zone)
			}
		});
	}
}

/** One that is planned again, after it was called off, is told again. @param id of the instance's row */
function plannedKey(id: string, notBefore: Date): string {
	return `move-planned:${id}:${notBefore.getTime()}`;
}

/** It is over: the activity of each customer has it with how long it was off the air, and who was off the air is told. */
export async function tellMoved(tx: Tx, migrations: TenantMigration[]): Promise<void> {
	for (const { id, tenantId, customerId, offAirAt, onAirAt } of migrations) {
		const { slug, customer } = await tx.tenant.findFirstOrThrow({
			where: { id: tenantId, customerId },
			...tenant
		});
		const downtime = offAirAt && onAirAt ? onAirAt.getTime() - offAirAt.getTime() : null;
		await audit(tx, {
			actor: SYSTEM,
			action: 'tenants.moved',
			subject: { type: 'tenant', id: tenantId },
			customerId,
			after: { downtime_seconds: downtime === null ? null : Math.round(downtime / 1000) }
		});
		if (downtime === null) continue;
		await notify(tx, {
			customerId,
			kind: 'tenant_moved',
			severity: 'success',
			data: { slug, seconds: Math.round(downtime / 1000) },
			href: '/tenant/portal',
			dedupeKey: `moved:${id}`
		});
		await queueMail(tx, {
			...{ template: 'moved', userId: null, customerId, dedupeKey: `moved:${id}` },
			...{ to: customer.email, locale: customer.locale },
			data: {
				...{ name: customer.fullName, company: customer.companyName, subdomain: slug },
				downtime: duration(downtime, customer.locale)
			}
		});
	}
}

/** Who was off the air for nothing hears that it is where it was. Customers of the others noticed nothing. */
export async function tellBackAgain(
	tx: Tx,
	migrations: Pick<TenantMigration, 'id' | 'tenantId' | 'customerId' | 'offAirAt'>[]
): Promise<void> {
	for (const { id, tenantId, customerId, offAirAt } of migrations) {
		if (!offAirAt) continue;
		const { slug } = await tx.tenant.findFirstOrThrow({
			where: { id: tenantId, customerId },
			select: { slug: true }
		});
		await notify(tx, {
			customerId,
			kind: 'tenant_move_turned_back',
			severity: 'info',
			data: { slug },
			href: '/tenant/portal',
			dedupeKey: `move-turned-back:${id}`
		});
	}
}

/** Staff hear of a move that was turned back; what must be looked at is an alert instead. */
export async function tellTurnedBack(
	tx: Tx,
	move: Pick<ContainerMove, 'id' | 'containerId' | 'jobId' | 'finishedAt'>,
	why: string
): Promise<void> {
	const { vmid, hostname } = await tx.container.findUniqueOrThrow({
		where: { id: move.containerId }
	});
	await notify(tx, {
		permission: 'infrastructure:read',
		kind: 'provisioning.move-failed',
		severity: 'warning',
		data: { vmid, hostname, ...troubleInBoth(why) },
		href: `/admin/infrastructure/moves/${move.id}`,
		// What never began has no run: each time that it could not is news.
		dedupeKey: `move-back:${move.jobId ?? `${move.id}:${move.finishedAt?.getTime()}`}`
	});
}
