import { db } from '#lib/core/db.server.ts';
import {
	listTunnelHosts,
	TUNNEL_HOST_LIST,
	type TunnelHostRow
} from '#lib/domains/tunnels/tunnelHosts.server.ts';
import { hostKind } from '#lib/domains/tunnels/tunnelWords.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the hosts that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'domains:read');
	const { id } = event.params;
	const query = parseListQuery(event.url, TUNNEL_HOST_LIST);
	const columns: CsvColumn<TunnelHostRow>[] = [
		{ label: m.tunnels_host(), value: (row) => row.hostname },
		{ label: m.tunnels_leads_kind(), value: hostKind },
		{ label: m.tunnels_host_tenant(), value: (row) => row.tenant?.slug ?? null },
		{ label: m.tunnels_leads_to(), value: (row) => row.service },
		{ label: 'Host', value: (row) => row.hostHeader }
	];
	return csvOfList('hosts.csv', columns, (page) => listTunnelHosts(db, id, { ...query, ...page }));
};
