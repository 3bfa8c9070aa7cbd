import { render } from 'svelte/server';
import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { setting } from '../settings/settings.server.ts';
import { unpaidFacts } from './offAirFacts.server.ts';
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
	const [slug, ...rest] = hostname.split('.');
	const tenant = await db.tenant.findFirst({
		where: {
			slug,
			baseDomain: { name: rest.join('.') },
			status: { notIn: ['deleted', 'refunded'] }
		},
		select: { status: true, suspensionReason: true, subscriptionId: true }
	});
	if (!tenant) return null;
	const reason =
		tenant.status === 'suspended'
			? (tenant.suspensionReason ?? 'request')
			: tenant.status === 'deleting'
				? 'deleting'
				: 'preparing';
	const unpaid =
		reason === 'unpaid' && tenant.subscriptionId
			? await unpaidFacts(tenant.subscriptionId, locale)
			: null;
	const { head, body } = render(OffAirPage, {
		props: {
			...{ locale, hostname, reason, unpaid },
			portalUrl: `${env.ORIGIN}/tenant/portal${unpaid ? '/billing' : ''}`,
			brand: await setting('general.platform_name'),
			contact: await setting('general.contact_address')
		}
	});
	const page = `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>${hostname}</title>${head}</head><body>${body}</body></html>`;
	return new Response(page, {
		status: 503,
		headers: {
			'content-type': 'text/html; charset=utf-8',
			'cache-control': 'no-store',
			'retry-after': '300',
			// The page has no script and brings its style along.
			'content-security-policy':
				"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
		}
	});
}
