import { z } from 'zod';
import type { Prisma } from '#prisma/generated/client.ts';
import { AlertSeverity, NodeStatus, TenantStatus } from '#prisma/generated/enums.ts';
import { monthSchema } from '../billing/figureOverview.server.ts';
import { healthSchema } from '../infrastructure/nodes/health.ts';

/** What the dashboard shows as it is kept between looks, where processes may share it: dates come back as dates. */

const when = z.coerce.date();
const maybe = when.nullable();
const load = z.object({ cpu: z.number(), ram: z.number(), disk: z.number(), largest: z.number() });
const resources = z.object({ cpuCores: z.number(), ramMb: z.number(), diskGb: z.number() });

const metrics = z.object({
	...{ at: when, zone: z.string() },
	tenants: z.object({
		total: z.number(),
		byStatus: z.partialRecord(z.enum(TenantStatus), z.number()),
		activatedThisMonth: z.number(),
		pendingSetups: z.number()
	}),
	customers: z.object({ active: z.number() }),
	mrr: z.array(
		z.object({ amount: z.number(), currency: z.string(), months: z.array(monthSchema) })
	),
	cluster: z.object({
		used: load.extend({ at: when }).nullable(),
		committed: load.nullable(),
		nodesOnline: z.number(),
		nodes: z.number()
	}),
	alerts: z.object({ open: z.number(), acknowledged: z.number() }),
	dunning: z.object({ open: z.number() }),
	drifts: z.object({ open: z.number(), oldest: maybe })
});

const node = z.object({
	...{ id: z.string(), name: z.string(), hostname: z.string() },
	...{ clusterId: z.string(), clusterName: z.string(), region: z.string() },
	...{ status: z.enum(NodeStatus), priority: z.number() },
	...{ proxmoxVersion: z.string().nullable(), lastSeenAt: maybe },
	...{ capacity: resources, limit: resources, committed: resources },
	...{ containers: z.number(), expected: z.number(), maxContainers: z.number() },
	placing: z.enum(['online', 'offline', 'maintenance', 'unwell']),
	...{ offlineSince: maybe, haltedAt: maybe, maintenanceSince: maybe },
	...{ maintenanceReason: z.string().nullable(), health: healthSchema.nullable() },
	used: z
		.object({ cpuFraction: z.number(), ramMb: z.number(), diskGb: z.number(), at: when })
		.nullable()
});

const setup = z.object({
	...{ id: z.string(), slug: z.string(), status: z.enum(TenantStatus) },
	...{ createdAt: when, queuedAt: maybe, plan: z.string(), company: z.string() },
	...{ node: z.string().nullable(), vmid: z.number().nullable(), step: z.string().nullable() },
	...{ done: z.number(), steps: z.number(), startedAt: maybe }
});

const event = z.object({
	...{ id: z.string(), type: z.string(), receivedAt: when, processed: z.boolean() },
	...{ outcome: z.string().nullable(), error: z.string().nullable() },
	...{ company: z.string().nullable(), amount: z.number().nullable() },
	currency: z.string().nullable()
});

const alert = z.object({
	...{ id: z.string(), rule: z.string(), subjectType: z.string(), subjectId: z.string() },
	...{
		severity: z.enum(AlertSeverity),
		data: z.custom<Prisma.JsonValue>(),
		openedAt: when,
		acknowledgedAt: maybe
	},
	...{ acknowledgedName: z.string().nullable(), acknowledgedNote: z.string().nullable() },
	closedAt: maybe
});

export const overviewSchema = z.object({
	metrics,
	nodes: z.array(node),
	setups: z.array(setup),
	/** Seconds that a set-up usually takes. */
	usualSeconds: z.number().nullable(),
	events: z.array(event),
	alerts: z.array(alert)
});

export type Overview = z.infer<typeof overviewSchema>;
