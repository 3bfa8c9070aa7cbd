import { env } from '#lib/core/env.server.ts';
import { db } from '#lib/core/db.server.ts';
import { HEALTH_PATH } from '../tunnels/ingress.ts';
import { hostUrl, landingOf, tenantHosts } from './domainHosts.server.ts';
import type { DomainPlace } from './drivers.ts';
import type { Finding } from '../doctor/domainTypes.ts';
import { publicDns } from '../doctor/publicDns.server.ts';

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
	const answer = await fetched(tenant.hostname, '/web/login');
	if (answer.kind === 'unreachable')
		return { ok: false, detail: `${answer.reason}: ${answer.detail}` };
	const line = `${answer.status} from ${answer.addresses.join(', ')}`;
	if (answer.status !== 200) return { ok: false, detail: line };
	return isLoginOf(answer.body, tenant.databaseName)
		? { ok: true, detail: line }
		: { ok: false, detail: `${line}, but not the login of ${tenant.databaseName}` };
}

/**
 * Whether the server behind a host is alive. It is what the platform's own name of an instance still answers by itself
 * while a primary domain is at work.
 */
export async function lookAtHealth(hostname: string): Promise<Seen> {
	const answer = await fetched(hostname, HEALTH_PATH);
	if (answer.kind === 'unreachable')
		return { ok: false, detail: `${answer.reason}: ${answer.detail}` };
	const line = `${answer.status} from ${answer.addresses.join(', ')}`;
	return { ok: answer.status === 200, detail: line };
}

export interface Answer {
	ok: boolean;
	/** What is wrong when it is not. */
	finding: Finding | null;
}

/** Whether visitors of a domain find what they should: its instance, or the way on to it. */
export async function answerUnder({ domain, tenant }: DomainPlace): Promise<Answer> {
	// The control plane answers for them, with the reason.
	if (tenant.status === 'suspended' || tenant.status === 'deleting')
		return { ok: true, finding: null };
	const hosts = await tenantHosts(db, tenant.id);
	const landing = landingOf(hosts, domain.hostname, { assumeActive: domain.id });
	if (landing === domain.hostname) {
		const seen = await lookFromOutside({
			hostname: domain.hostname,
			databaseName: tenant.databaseName
		});
		return seen.ok ? { ok: true, finding: null } : silent(seen.detail);
	}
	const answer = await fetched(domain.hostname, '/');
	if (answer.kind === 'unreachable') return silent(`${answer.reason}: ${answer.detail}`);
	const { location } = answer.headers;
	const leads = location && URL.canParse(location) ? new URL(location).host : null;
	if (answer.status === 307 && leads === new URL(hostUrl(landing)).host)
		return { ok: true, finding: null };
	return silent(`${answer.status} ${location ?? ''}`.trim());
}

function silent(detail: string): Answer {
	const finding = { code: 'instance_silent', of: 'answer', blocks: false } as const;
	return { ok: false, finding: { ...finding, params: { detail } } };
}

function fetched(hostname: string, path: string) {
	const edge = env.EDGE_URL ? new URL(env.EDGE_URL) : null;
	return publicDns().publicFetch({
		url: `${edge?.protocol ?? 'https:'}//${hostname}${path}`,
		...(edge && { port: Number(edge.port || 80) }),
		timeoutMs: patience.lookMs
	});
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
