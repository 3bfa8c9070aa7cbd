import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { planCards } from '#lib/plans/planCards.server.ts';
import { setupSpeed } from '#lib/provisioning/speed.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	return {
		plans: await planCards(db),
		speed: await setupSpeed(db),
		baseDomain: env.BASE_DOMAIN,
		maxWaitHours: await setting('provisioning.max_wait_hours')
	};
};
