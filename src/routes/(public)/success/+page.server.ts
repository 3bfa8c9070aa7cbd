import { db } from '#lib/core/db.server.ts';
import { baseDomainOf } from '#lib/domains/base/baseDomains.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { setupProgress } from '#lib/provisioning/progress.server.ts';
import { signupOf } from '#lib/provisioning/signupCookie.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { PageServerLoad } from './$types';

/**
 * Where a signup stands. The browser that began it sees everything; whoever has only the address of this page, with
 * the ids that Stripe puts into it, sees the state in words and no name.
 */
export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	const maxWaitHours = await setting('provisioning.max_wait_hours');
	const stripeSessionId = event.url.searchParams.get('session_id');
	const cameFromStripe = stripeSessionId !== null;
	const own = signupOf(event.cookies);
	if (own) {
		const signup = await db.signup.findUnique({
			where: { id: own },
			select: {
				...{ id: true, status: true, companyName: true, slug: true, email: true, tenantId: true },
				plan: { select: { baseDomainId: true } }
			}
		});
		if (signup) {
			return {
				maxWaitHours,
				cameFromStripe,
				hostname: `${signup.slug}.${await domainOf(signup)}`,
				status: signup.status,
				signup: {
					id: signup.id,
					companyName: signup.companyName,
					slug: signup.slug,
					email: signup.email
				},
				progress: signup.tenantId ? await setupProgress(db, signup.tenantId) : null
			};
		}
	}
	const session = stripeSessionId
		? await db.checkoutSession.findUnique({
				where: { stripeSessionId },
				select: { signup: { select: { status: true } } }
			})
		: null;
	return {
		maxWaitHours,
		cameFromStripe,
		hostname: null,
		status: session?.signup.status ?? null,
		signup: null,
		progress: null
	};
};

/** Where the instance stands, or will stand once it is paid. */
async function domainOf(signup: {
	tenantId: string | null;
	plan: { baseDomainId: string | null };
}): Promise<string> {
	const tenant = signup.tenantId
		? await db.tenant.findUnique({
				where: { id: signup.tenantId },
				select: { baseDomain: { select: { name: true } } }
			})
		: null;
	return (tenant?.baseDomain ?? (await baseDomainOf(db, signup.plan))).name;
}
