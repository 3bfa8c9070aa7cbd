import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	CONTAINER_LIST,
	type ContainerRow,
	listContainers
} from '#lib/infrastructure/containers/containerList.server.ts';
import { containerPurpose, containerStatus } from '#lib/infrastructure/words.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the containers that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, CONTAINER_LIST);
	const columns: CsvColumn<ContainerRow>[] = [
		{ label: 'VMID', value: (row) => row.vmid },
		{ label: m.container_host(), value: (row) => row.hostname },
		{ label: m.tenants_node(), value: (row) => row.node.name },
		{ label: m.container_kind(), value: (row) => containerPurpose(row.purpose) },
		{ label: m.tenants_status(), value: (row) => containerStatus(row.status).label },
		{ label: 'IP', value: (row) => row.ipAddress },
		{ label: 'Odoo', value: (row) => row.odooVersion },
		{ label: m.unit_cpu(), value: (row) => row.cpuCores },
		{ label: `${m.unit_ram()} (MB)`, value: (row) => row.ramMb },
		{ label: `${m.unit_disk()} (GB)`, value: (row) => row.diskGb },
		{ label: m.container_csv_cpu(), value: (row) => row.use?.cpuFraction ?? null },
		{ label: m.container_csv_ram(), value: (row) => row.use?.ramMb ?? null },
		{ label: m.container_csv_disk(), value: (row) => row.use?.diskGb ?? null },
		{ label: m.container_slots(), value: (row) => row.slots },
		{
			label: m.container_tenants(),
			value: (row) => row.tenants.map(({ slug }) => slug).join(' ')
		},
		{ label: m.tenants_since(), value: (row) => row.createdAt }
	];
	return csvOfList('contenedores.csv', columns, (page) =>
		listContainers(db, { ...query, ...page })
	);
};
