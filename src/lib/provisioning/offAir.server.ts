import { render } from 'svelte/server';
import { m } from '#i18n/paraglide/messages.js';
import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { duration } from '#lib/ui/format.ts';
import type { TenantStatus } from '#prisma/generated/client.ts';
import { hostUrl, landingOf, tenantHosts } from '../domains/custom/domainHosts.server.ts';
import { setting } from '../settings/settings.server.ts';
import { unpaidFacts } from './offAirFacts.server.ts';
import { isSuspended } from './tenantStates.ts';
import OffAirPage from './OffAirPage.svelte';

/**
 * The answer for a tenant's host that the tunnel leads to us instead of to its container: 503 and a page that says why
 * and what to do. Null when the request is for the control plane itself.
 */
export async function answerForTenantHost(
	request: Request,
	locale: 'es' | 'en'
): Promise<Response | null> {
	const hostname = (request.headers.get('host') ?? '').replace(/:\d+$/, '').toLowerCase();
	if (!hostname || hostname === new URL(env.ORIGIN).hostname) return null;
	const tenant = await tenantOf(hostname);
	if (!tenant) return null;
	// One that is moved while it is suspended goes on saying why it is.
	const suspended = isSuspended(tenant);
	if (!suspended && tenant.status !== 'deleting' && tenant.status !== 'migrating') {
		const landing = landingOf(await tenantHosts(db, tenant.id), hostname);
		if (landing !== hostname) return sendOn(request, landing);
	}
	const reason = suspended ? (tenant.suspensionReason ?? 'request') : awayReason(tenant.status);
	const unpaid =
		reason === 'unpaid' && tenant.subscriptionId
			? await unpaidFacts(tenant.subscriptionId, locale)
			: null;
	const { head, body } = render(OffAirPage, {
		props: {
			...{ locale, hostname, reason, unpaid },
			back: reason === 'moving' ? await expectedBack(tenant.id, locale) : null,
			portalUrl: `${env.ORIGIN}/tenant/portal${unpaid ? '/billing' : ''}`,
			brand: await setting('general.platform_name'),
			contact: await setting('general.contact_address')
		}
	});
	const page = `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">${reason === 'moving' ? '<meta http-equiv="refresh" content="20">' : ''}<title>${hostname}</title>${head}</head><body>${body}</body></html>`;
	return new Response(page, {
		status: 503,
		headers: {
			'content-type': 'text/html; charset=utf-8',
			'cache-control': 'no-store',
			'retry-after': reason === 'moving' ? '30' : '300',
			// The page has no script and brings its style along.
			'content-security-policy':
				"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
		}
	});
}

/** Why one that is not suspended does not answer. */
function awayReason(status: TenantStatus): 'deleting' | 'moving' | 'preparing' {
	if (status === 'deleting') return 'deleting';
	return status === 'migrating' ? 'moving' : 'preparing';
}

/** When a move is expected to be over, written out; null: nobody knows. */
async function expectedBack(tenantId: string, locale: 'es' | 'en'): Promise<string | null> {
	const migration = await db.tenantMigration.findFirst({
		where: { tenantId, status: 'running' },
		orderBy: { createdAt: 'desc' },
		select: { offAirAt: true, expectedMs: true }
	});
	if (!migration?.expectedMs) return null;
	const left = (migration.offAirAt ?? now()).getTime() + migration.expectedMs - now().getTime();
	return left > 0 ? duration(left, locale) : m.offair_back_soon({}, { locale });
}

/** The instance that a host is of: the platform's name for it, or its customer's own domain. */
async function tenantOf(hostname: string) {
	const [slug, ...rest] = hostname.split('.');
	const select = {
		...{ id: true, status: true, previousStatus: true },
		...{ suspensionReason: true, subscriptionId: true }
	};
	const status = { notIn: ['deleted', 'refunded'] satisfies TenantStatus[] };
	return (
		(await db.tenant.findFirst({
			where: { slug, baseDomain: { name: rest.join('.') }, status },
			select
		})) ??
		(await db.tenant.findFirst({
			where: {
				status,
				domains: { some: { hostname, published: true, status: { not: 'removed' } } }
			},
			select
		}))
	);
}

/** For now only: the primary domain may break, or another become it, and no browser may remember the way. */
function sendOn(request: Request, hostname: string): Response {
	const { pathname, search } = new URL(request.url);
	return new Response(null, {
		status: 307,
		headers: { location: `${hostUrl(hostname)}${pathname}${search}`, 'cache-control': 'no-store' }
	});
}
