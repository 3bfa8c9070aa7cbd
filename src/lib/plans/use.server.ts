import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { SubscriptionStatus } from '#prisma/generated/client.ts';
import {
	READING_MAX_AGE_MS,
	RESOURCE_NAMES,
	resourceOf,
	together,
	type Limit,
	type ResourceName
} from './limits.ts';

/** Whose use it is: an instance's, or all of a customer's. */
export interface Subject {
	customerId: string;
	/** Needed for what is limited per instance. */
	tenantId?: string;
}

/** Tenants in these states use nothing. */
const GONE = ['deleted', 'refunded'] as const;
/** Subscriptions in these states include nothing any more. */
const ENDED = new Set<SubscriptionStatus>(['cancelled', 'pending']);

export interface Use {
	/** In the unit of measurement; null: not known. */
	used: number | null;
	/** When it was true; null when nothing was ever measured. */
	at: Date | null;
}

/** How much of a resource is used now. A reading that is older than a day is not known. Works in a customer's scope too. */
export async function useOf(tx: Tx, subject: Subject, resource: ResourceName): Promise<Use> {
	const { customerId } = subject;
	const at = now();
	switch (resource) {
		case 'members': {
			const members = await tx.membership.count({ where: { customerId } });
			const invited = await tx.invitation.count({
				where: { customerId, acceptedAt: null, revokedAt: null, expiresAt: { gt: at } }
			});
			return { used: members + invited, at };
		}
		case 'instances':
			return {
				used: await tx.tenant.count({ where: { customerId, status: { notIn: [...GONE] } } }),
				at
			};
		case 'backups': {
			const where = { customerId, tenantId: idOf(subject), status: { in: KEPT_BACKUPS } };
			return { used: await tx.backup.count({ where }), at };
		}
		case 'domains': {
			const where = { customerId, tenantId: idOf(subject), redirectToId: null };
			return {
				used: await tx.customDomain.count({ where: { ...where, status: { not: 'removed' } } }),
				at
			};
		}
		case 'disk_gb':
			return (await containerDisk(tx, subject)) ?? reading(tx, subject, resource);
		case 'users':
			return reading(tx, { customerId, tenantId: idOf(subject) }, resource);
	}
}

const KEPT_BACKUPS: ('running' | 'succeeded')[] = ['running', 'succeeded'];

async function reading(tx: Tx, subject: Subject, resource: ResourceName): Promise<Use> {
	const { customerId } = subject;
	const row = await tx.usageReading.findFirst({
		where: { customerId, tenantId: idOf(subject), resource }
	});
	if (!row) return { used: null, at: null };
	return { used: isOld(row.measuredAt) ? null : row.used, at: row.measuredAt };
}

/** Of an instance with a container of its own: what Proxmox says of its disk. */
async function containerDisk(tx: Tx, subject: Subject): Promise<Use | null> {
	const sample = await tx.resourceMetric.findFirst({
		where: {
			...{ tenantId: idOf(subject), customerId: subject.customerId, diskGb: { not: null } },
			// One that shares its container has samples without a disk: nobody walks through a month of them.
			recordedAt: { gt: after(now(), -7 * DAY) }
		},
		orderBy: { recordedAt: 'desc' },
		select: { diskGb: true, recordedAt: true }
	});
	if (!sample || sample.diskGb === null) return null;
	const used = isOld(sample.recordedAt) ? null : Math.ceil(sample.diskGb * 1024);
	return { used, at: sample.recordedAt };
}

function isOld(at: Date): boolean {
	return now().getTime() - at.getTime() > READING_MAX_AGE_MS;
}

function idOf({ tenantId }: Subject): string {
	if (!tenantId) throw new Error('this is limited per instance: say which');
	return tenantId;
}

/**
 * How much a subject may use of everything, in the plan's units. An instance has the limits of the version that its
 * subscription pays; a customer, what all its subscriptions include. What is absent is not limited.
 * @param wanted what it would be if a subscription had these terms
 */
export async function limitsOf(
	tx: Tx,
	subject: Subject,
	wanted?: WantedTerms
): Promise<Map<ResourceName, Limit>> {
	const rows = await tx.subscription.findMany({
		where: { customerId: subject.customerId },
		select: {
			...{ id: true, planId: true, quantity: true, status: true },
			tenants: { select: { id: true } }
		}
	});
	const subscriptions = rows.map((row) => (row.id === wanted?.id ? { ...row, ...wanted } : row));
	return limitsTogether(tx, subject, subscriptions);
}

/** A subscription by its id with the terms that somebody wants for it. */
export interface WantedTerms {
	id: string;
	planId: string;
	quantity: number;
}

interface Including {
	planId: string;
	quantity: number;
	status: SubscriptionStatus;
	tenants: { id: string }[];
}

async function limitsTogether(
	tx: Tx,
	subject: Subject,
	subscriptions: Including[]
): Promise<Map<ResourceName, Limit>> {
	const rows = await tx.planLimit.findMany({
		where: { planId: { in: subscriptions.map(({ planId }) => planId) } }
	});
	const limits = new Map<ResourceName, Limit>();
	for (const resource of RESOURCE_NAMES) {
		const own = subscriptions.filter(({ status, tenants }) =>
			resourceOf(resource).scope === 'tenant'
				? tenants.some(({ id }) => id === subject.tenantId)
				: !ENDED.has(status)
		);
		const limit = together(
			resource,
			own.map(({ planId, quantity }) => {
				const row = rows.find((one) => one.planId === planId && one.resource === resource);
				return { limit: row ? { ...row, resource } : null, quantity };
			})
		);
		if (limit) limits.set(resource, limit);
	}
	return limits;
}

/** The same of one resource. @returns null: not limited */
export async function limitFor(
	tx: Tx,
	subject: Subject,
	resource: ResourceName
): Promise<Limit | null> {
	return (await limitsOf(tx, subject)).get(resource) ?? null;
}

/** Stores what was read from an instance. @param used in the unit of measurement */
export async function recordReading(
	tx: Tx,
	tenant: { id: string; customerId: string },
	resource: ResourceName,
	{ used, at }: { used: number; at: Date }
): Promise<void> {
	const row = { customerId: tenant.customerId, used, measuredAt: at };
	await tx.usageReading.upsert({
		where: { tenantId_resource: { tenantId: tenant.id, resource } },
		create: { tenantId: tenant.id, resource, ...row },
		update: row
	});
}
