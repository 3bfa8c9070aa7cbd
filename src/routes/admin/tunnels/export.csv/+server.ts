import { db } from '#lib/core/db.server.ts';
import { connectionCount } from '#lib/domains/tunnels/tunnelConnectors.ts';
import {
	listTunnels,
	TUNNEL_LIST,
	type TunnelRow
} from '#lib/domains/tunnels/tunnelList.server.ts';
import { statusWord } from '#lib/domains/tunnels/tunnelWords.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the tunnels that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'domains:read');
	const query = parseListQuery(event.url, TUNNEL_LIST);
	const columns: CsvColumn<TunnelRow>[] = [
		{ label: m.tunnels_one(), value: (row) => row.name },
		{ label: m.tunnels_id(), value: (row) => row.cloudflareId },
		{ label: m.tunnels_source(), value: (row) => row.source },
		{ label: m.tunnels_status(), value: (row) => statusWord(row.status ?? 'unknown') },
		{ label: m.tunnels_connectors(), value: (row) => row.connectors.length },
		{ label: m.tunnels_connections(), value: (row) => connectionCount(row.connectors) },
		{ label: m.tunnels_hosts(), value: (row) => row.hosts },
		{ label: m.tunnels_base_domains(), value: (row) => row.baseDomains.join(' ') },
		{ label: m.tunnels_remote_version(), value: (row) => row.remoteVersion },
		{ label: m.tunnels_last_change(), value: (row) => row.lastChange?.at ?? null },
		{ label: m.tunnels_drift(), value: (row) => row.driftedAt }
	];
	return csvOfList('tuneles.csv', columns, (page) => listTunnels(db, { ...query, ...page }));
};
