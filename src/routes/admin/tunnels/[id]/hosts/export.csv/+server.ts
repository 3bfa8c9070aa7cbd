import { db } from '#lib/core/db.server.ts';
import { EDGE_HOST_LIST, listEdgeHosts } from '#lib/domains/tunnels/edgeHostList.server.ts';
import { livingTunnel, type ShownHost } from '#lib/domains/tunnels/edgeHosts.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'domains:read');
	const tunnel = await livingTunnel(db, event.params.id);
	const query = parseListQuery(event.url, EDGE_HOST_LIST);
	return csvOfList('hosts.csv', columns(), (page) =>
		listEdgeHosts(db, tunnel.id, { ...query, ...page })
	);
};

function columns(): CsvColumn<ShownHost>[] {
	return [
		{ label: m.tunnels_host_name(), value: (row) => row.hostname },
		{ label: m.tunnels_host_path(), value: (row) => row.path },
		{ label: m.tunnels_host_service(), value: (row) => row.service },
		{ label: m.tunnels_host_options(), value: (row) => row.options },
		{
			label: m.tunnels_host_kind(),
			value: (row) => (row.adopted ? m.tunnels_host_adopted() : m.tunnels_host_own())
		},
		{ label: m.tunnels_host_since(), value: (row) => row.createdAt }
	];
}
