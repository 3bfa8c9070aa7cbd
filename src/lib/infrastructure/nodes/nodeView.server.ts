import { z } from 'zod';
import type { NodeFigures } from './figures.server.ts';

const resources = z.object({ cpu_cores: z.number(), ram_mb: z.number(), disk_gb: z.number() });

/** A node in the API: what it has, what it may promise, what it has promised, what it uses (null: not measured lately). */
export const nodeSchema = z.object({
	id: z.uuid(),
	name: z.string(),
	hostname: z.string(),
	cluster: z.string(),
	region: z.string(),
	status: z.string(),
	version: z.string().nullable(),
	last_seen_at: z.iso.datetime().nullable(),
	/** What placement says: like status, or unwell, where nothing new is placed although it is online. */
	placing: z.string(),
	/** It has not answered since then; null while it answers. */
	offline_since: z.iso.datetime().nullable(),
	/** Nothing is sent to it since then: a connection failed, and no probe has been answered yet. */
	halted_since: z.iso.datetime().nullable(),
	maintenance: z.object({ since: z.iso.datetime(), reason: z.string() }).nullable(),
	capacity: resources,
	limit: resources,
	committed: resources,
	used: z
		.object({
			cpu_fraction: z.number(),
			ram_mb: z.number(),
			disk_gb: z.number(),
			at: z.iso.datetime()
		})
		.nullable(),
	containers: z.number().int(),
	max_containers: z.number().int()
});

export function nodeView(node: NodeFigures): z.input<typeof nodeSchema> {
	return {
		id: node.id,
		name: node.name,
		hostname: node.hostname,
		cluster: node.clusterName,
		region: node.region,
		status: node.status,
		version: node.proxmoxVersion,
		last_seen_at: node.lastSeenAt?.toISOString() ?? null,
		placing: node.placing,
		offline_since: node.offlineSince?.toISOString() ?? null,
		halted_since: node.haltedAt?.toISOString() ?? null,
		maintenance: node.maintenanceSince && {
			since: node.maintenanceSince.toISOString(),
			reason: node.maintenanceReason ?? ''
		},
		capacity: resourcesView(node.capacity),
		limit: resourcesView(node.limit),
		committed: resourcesView(node.committed),
		used: node.used && {
			cpu_fraction: node.used.cpuFraction,
			ram_mb: node.used.ramMb,
			disk_gb: node.used.diskGb,
			at: node.used.at.toISOString()
		},
		containers: node.containers,
		max_containers: node.maxContainers
	};
}

export function resourcesView(of: {
	cpuCores: number;
	ramMb: number;
	diskGb: number;
}): z.input<typeof resources> {
	return { cpu_cores: of.cpuCores, ram_mb: of.ramMb, disk_gb: of.diskGb };
}
