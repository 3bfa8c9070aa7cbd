import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	NODE_LIST,
	type NodeCard,
	nodeCards,
	statesOf
} from '#lib/infrastructure/metrics/cards.server.ts';
import { nodeStateLabel } from '#lib/infrastructure/metrics/nodeWords.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the nodes that the search and the filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, NODE_LIST);
	return csvOfList('nodos.csv', nodeColumns(), ({ page, pageSize }) =>
		nodeCards(db, { ...query, page, pageSize })
	);
};

function nodeColumns(): CsvColumn<NodeCard>[] {
	const percentOf = (part: number | undefined) => (part === undefined ? null : part.toFixed(4));
	return [
		{ label: m.infrastructure_cluster(), value: (row) => row.clusterName },
		{ label: m.tenants_node(), value: (row) => row.name },
		{ label: m.container_host(), value: (row) => row.hostname },
		{ label: m.tenants_status(), value: (row) => statesOf(row).map(nodeStateLabel).join(', ') },
		{ label: 'Proxmox VE', value: (row) => row.proxmoxVersion },
		{ label: m.infra_csv_cpu_used(), value: (row) => percentOf(row.used?.cpuFraction) },
		{ label: m.infra_csv_cpu_committed(), value: (row) => row.committed.cpuCores },
		{ label: m.infra_csv_cpu_limit(), value: (row) => row.limit.cpuCores },
		{ label: m.infra_csv_ram_used(), value: (row) => row.used?.ramMb },
		{ label: m.infra_csv_ram_committed(), value: (row) => row.committed.ramMb },
		{ label: m.infra_csv_ram_limit(), value: (row) => row.limit.ramMb },
		{ label: m.infra_csv_disk_used(), value: (row) => row.used?.diskGb.toFixed(2) },
		{ label: m.infra_csv_disk_committed(), value: (row) => row.committed.diskGb },
		{ label: m.infra_csv_disk_limit(), value: (row) => row.limit.diskGb },
		{ label: m.infrastructure_containers(), value: (row) => row.containers },
		{ label: m.metric_tenants(), value: (row) => row.tenants },
		{ label: m.infra_csv_until_disk(), value: (row) => row.untilFull.disk?.toFixed(1) },
		{ label: m.infra_csv_until_ram(), value: (row) => row.untilFull.ram?.toFixed(1) },
		{ label: m.infrastructure_last_seen(), value: (row) => row.lastSeenAt }
	];
}
