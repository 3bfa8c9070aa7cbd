import { env } from '#lib/core/env.server.ts';
import { db } from '#lib/core/db.server.ts';
import type { PublicAnswer, PublicRequest } from '#lib/integrations/dns/public-fetch.server.ts';
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
	/**
	 * The same as a code: `ok` · `edge_1033` an error page of Cloudflare's · `http_404` · `no_login` · `other_database` ·
	 * why there was no answer: `timeout`, `refused`, `dns` …
	 */
	code: string;
}

export interface LookedAt {
	hostname: string;
	databaseName: string;
}

/**
 * Opens a tenant's login page as a visitor does, through the public DNS and the edge, and checks that it is that of its
 * own database.
 */
export async function lookFromOutside(tenant: LookedAt): Promise<Seen> {
	return seenIn(await fetched(tenant.hostname, LOGIN), tenant.databaseName);
}

/** Looks at thousands of instances directly under our base domains; what is no login is to be looked at by itself again. */
export interface ManyLooks {
	look(tenant: LookedAt & { zone: string }): Promise<Seen>;
	close(): Promise<void>;
}

/** The same looks, over connections that the instances share. Close it when done. */
export function manyLooks(): ManyLooks {
	const shared = publicDns().sharedFetch();
	return {
		look: async ({ hostname, databaseName, zone }) =>
			seenIn(await shared.fetch({ ...requestFor(hostname, LOGIN), zone }), databaseName),
		close: () => shared.close()
	};
}

const LOGIN = '/web/login';

function seenIn(answer: PublicAnswer, databaseName: string): Seen {
	if (answer.kind === 'unreachable')
		return { ok: false, detail: `${answer.reason}: ${answer.detail}`, code: answer.reason };
	const line = `${answer.status} from ${answer.addresses.join(', ')}`;
	if (answer.status !== 200) return { ok: false, detail: line, code: errorIn(answer) };
	const login = loginIn(answer.body);
	if (login !== null && (login === '' || login === databaseName))
		return { ok: true, detail: line, code: 'ok' };
	return {
		ok: false,
		detail: `${line}, but not the login of ${databaseName}`,
		code: login === null ? 'no_login' : 'other_database'
	};
}

/** Cloudflare's own pages carry a number of four digits: 1033 the tunnel is down, 1016 the name leads nowhere. */
function errorIn({ status, body }: { status: number; body: string }): string {
	const edge = /\b(?:error code: |Error )(1\d{3})\b/.exec(body)?.[1];
	return edge && status >= 400 ? `edge_${edge}` : `http_${status}`;
}

/**
 * Whether the server behind a host is alive. It is what the platform's own name of an instance still answers by itself
 * while a primary domain is at work.
 */
export async function lookAtHealth(hostname: string): Promise<Seen> {
	const answer = await fetched(hostname, HEALTH_PATH);
	if (answer.kind === 'unreachable')
		return { ok: false, detail: `${answer.reason}: ${answer.detail}`, code: answer.reason };
	const line = `${answer.status} from ${answer.addresses.join(', ')}`;
	const ok = answer.status === 200;
	return { ok, detail: line, code: ok ? 'ok' : errorIn(answer) };
}

export interface Answer {
	ok: boolean;
	/** What is wrong when it is not. */
	finding: Finding | null;
}

/** Whether visitors of a domain find what they should: its instance, or the way on to it. */
export async function answerUnder({ domain, tenant }: DomainPlace): Promise<Answer> {
	// The control plane answers for them, with the reason.
	if (['suspended', 'deleting', 'migrating'].includes(tenant.status))
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
	return publicDns().publicFetch(requestFor(hostname, path));
}

function requestFor(hostname: string, path: string): PublicRequest {
	const edge = env.EDGE_URL ? new URL(env.EDGE_URL) : null;
	return {
		url: `${edge?.protocol ?? 'https:'}//${hostname}${path}`,
		...(edge && { port: Number(edge.port || 80) }),
		timeoutMs: patience.lookMs
	};
}

/**
 * The database that a login page is of; empty where it does not say, null when it is no login page. With
 * `dbfilter = ^%d$` the host alone selects the database, and a host without one is sent to /web/database instead.
 */
function loginIn(page: string): string | null {
	if (!page.includes('name="login"')) return null;
	return /name="db" value="([^"]*)"/.exec(page)?.[1] ?? /"db": "([^"]*)"/.exec(page)?.[1] ?? '';
}
