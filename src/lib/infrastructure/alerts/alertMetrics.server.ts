import { Prisma } from '#prisma/generated/client.ts';
import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import {
	defineAlertMetric,
	type AlertReading
} from '#lib/notifications/alerts/alertMetrics.server.ts';
import { METRIC_MAX_AGE } from '../nodes/figures.server.ts';
import { diskDays } from './diskDays.server.ts';

/** The longest time between two samples that the settings allow. */
const LONGEST_PACE = 15 * MINUTE;

interface SampleRow {
	id: string;
	name: string;
	vmid?: number;
	values: number[] | null;
}

/** A column of `resource_metrics` as a share of what there is of it, in percent. */
type Share = 'cpu' | 'ram' | 'disk';

const NODE_SHARES: Record<Share, Prisma.Sql> = {
	cpu: Prisma.sql`sample.cpu_fraction * 100`,
	ram: Prisma.sql`sample.ram_mb * 100.0 / nullif(node.ram_total_mb, 0)`,
	disk: Prisma.sql`sample.disk_gb * 100.0 / nullif(node.disk_total_gb, 0)`
};
const CONTAINER_SHARES: Record<Share, Prisma.Sql> = {
	cpu: Prisma.sql`sample.cpu_fraction * 100`,
	ram: Prisma.sql`sample.ram_mb * 100.0 / nullif(container.ram_mb, 0)`,
	disk: Prisma.sql`sample.disk_gb * 100.0 / nullif(container.disk_gb, 0)`
};

for (const share of ['cpu', 'ram', 'disk'] as const) {
	defineAlertMetric({
		...{ name: `node.${share}`, unit: 'percent', subjectType: 'node' },
		...{ worse: 'above', hasHistory: true },
		read: async (tx, { samples }) => {
			const rows = await tx.$queryRaw<SampleRow[]>`
				SELECT node.id, node.name, ${latest(Prisma.sql`sample.node_id = node.id`, NODE_SHARES[share], samples)} AS values
				FROM proxmox_nodes node WHERE node.removed_at IS NULL ORDER BY node.name`;
			return withTrend(tx, share === 'disk' ? 'node' : null, rows);
		}
	});
	defineAlertMetric({
		...{ name: `container.${share}`, unit: 'percent', subjectType: 'container' },
		...{ worse: 'above', hasHistory: true },
		read: async (tx, { samples }) => {
			const rows = await tx.$queryRaw<SampleRow[]>`
				SELECT container.id, container.hostname AS name, container.vmid,
					${latest(Prisma.sql`sample.container_id = container.id`, CONTAINER_SHARES[share], samples)} AS values
				FROM lxc_containers container
				WHERE container.status = 'running' AND container.purpose <> 'template' ORDER BY container.hostname`;
			return withTrend(tx, share === 'disk' ? 'container' : null, rows);
		}
	});
}

defineAlertMetric({
	...{ name: 'tenant.latency', unit: 'milliseconds', subjectType: 'tenant' },
	...{ worse: 'above', hasHistory: true },
	read: async (tx, { samples }) => {
		const rows = await tx.$queryRaw<SampleRow[]>`
			SELECT tenant.id, tenant.subdomain AS name,
				${latest(Prisma.sql`sample.tenant_id = tenant.id`, Prisma.sql`sample.latency_ms`, samples)} AS values
			FROM tenant_deployments tenant WHERE tenant.status IN ('active', 'degraded') ORDER BY tenant.subdomain`;
		return rows.map(({ id, name, values }) => ({
			...{ subjectId: id, name, values, data: { slug: name } }
		}));
	}
});

for (const subject of ['node', 'container'] as const) {
	defineAlertMetric({
		...{ name: `${subject}.disk_days`, unit: 'days', subjectType: subject },
		...{ worse: 'below', hasHistory: false },
		read: async (tx) => {
			const rows = await diskDays(tx, subject);
			return rows.map(({ id, name, vmid, days }) => ({
				...{ subjectId: id, name, values: days === null ? null : [days] },
				data: vmid === null ? { node: name } : { hostname: name, vmid }
			}));
		}
	});
}

defineAlertMetric({
	...{ name: 'node.offline', unit: 'yes_no', subjectType: 'node' },
	...{ worse: 'above', hasHistory: false },
	read: async (tx) => {
		const nodes = await tx.node.findMany({
			where: { removedAt: null },
			select: { id: true, name: true, status: true }
		});
		return nodes.map(({ id, name, status }) => ({
			...{ subjectId: id, name, data: { node: name } },
			values: [status === 'offline' ? 1 : 0]
		}));
	}
});

defineAlertMetric({
	...{ name: 'node.certificate_days', unit: 'days', subjectType: 'node' },
	...{ worse: 'below', hasHistory: false },
	read: async (tx) => {
		const rows = await tx.$queryRaw<{ id: string; name: string; days: number | null }[]>`
			SELECT id, name, extract(epoch FROM api_certificate_expires_at - ${now()}::timestamptz)::float8 / 86400 AS days
			FROM proxmox_nodes WHERE removed_at IS NULL ORDER BY name`;
		return rows.map(({ id, name, days }) => ({
			...{ subjectId: id, name, data: { node: name } },
			values: days === null ? null : [days]
		}));
	}
});

/**
 * The newest values of one subject as an array, null unless the newest is fresh. The index on subject and time finds them
 * among any number of samples; the time keeps the older partitions out.
 */
function latest(ofSubject: Prisma.Sql, value: Prisma.Sql, samples: number): Prisma.Sql {
	const at = now();
	const since = after(at, -METRIC_MAX_AGE - samples * LONGEST_PACE);
	return Prisma.sql`(
		SELECT CASE WHEN max(taken.at) > ${after(at, -METRIC_MAX_AGE)} THEN array_agg(taken.value ORDER BY taken.at DESC) END
		FROM (
			SELECT sample.recorded_at AS at, (${value})::float8 AS value FROM resource_metrics sample
			WHERE ${ofSubject} AND sample.recorded_at > ${since} AND sample.recorded_at <= ${at} AND (${value}) IS NOT NULL
			ORDER BY sample.recorded_at DESC LIMIT ${samples}
		) taken)`;
}

async function withTrend(
	tx: Tx,
	subject: 'node' | 'container' | null,
	rows: SampleRow[]
): Promise<AlertReading[]> {
	const trends = subject ? await diskDays(tx, subject) : [];
	const days = new Map(trends.map((row) => [row.id, row.days]));
	return rows.map(({ id, name, vmid, values }) => ({
		...{ subjectId: id, name, values, daysLeft: days.get(id) ?? null },
		data: vmid === undefined ? { node: name } : { hostname: name, vmid }
	}));
}
