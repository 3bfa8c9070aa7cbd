import { env } from '#lib/core/env.server.ts';
import { publicDns } from '../domains/publicDns.server.ts';

/** How long one look may take; tests shorten it. */
export const patience = { lookMs: 10_000 };

export interface Seen {
	/** The login page of this database answered. */
	ok: boolean;
	/** What was seen, for people: `200 from 104.16.1.1`, `nxdomain`. */
	detail: string;
}

/**
 * Opens a tenant's login page as a visitor does, through the public DNS and the edge, and checks that it is that of its
 * own database.
 */
export async function lookFromOutside(tenant: {
	hostname: string;
	databaseName: string;
}): Promise<Seen> {
	const answer = await publicDns().publicFetch({
		...publicAddress(tenant.hostname, '/web/login'),
		timeoutMs: patience.lookMs
	});
	if (answer.kind === 'unreachable')
		return { ok: false, detail: `${answer.reason}: ${answer.detail}` };
	const line = `${answer.status} from ${answer.addresses.join(', ')}`;
	if (answer.status !== 200) return { ok: false, detail: line };
	return isLoginOf(answer.body, tenant.databaseName)
		? { ok: true, detail: line }
		: { ok: false, detail: `${line}, but not the login of ${tenant.databaseName}` };
}

function publicAddress(hostname: string, path: string): { url: string; port?: number } {
	if (!env.EDGE_URL) return { url: `https://${hostname}${path}` };
	const edge = new URL(env.EDGE_URL);
	return { url: `${edge.protocol}//${hostname}${path}`, port: Number(edge.port || 80) };
}

/**
 * With `dbfilter = ^%d$` the host alone selects the database, and a host without one is sent to /web/database instead of
 * a login page. Where the page names its database as well, it must be this one.
 */
function isLoginOf(page: string, databaseName: string): boolean {
	if (!page.includes('name="login"')) return false;
	const named = /name="db" value="([^"]*)"/.exec(page)?.[1] ?? /"db": "([^"]*)"/.exec(page)?.[1];
	return named === undefined || named === databaseName;
}
