import { db } from '#lib/core/db.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { likelyBaseDomain } from '#lib/plans/planCards.server.ts';
import { cardsOnOffer } from '#lib/provisioning/onOffer.server.ts';
import { slowestSetups } from '#lib/provisioning/slowest.server.ts';
import { setupSpeed } from '#lib/provisioning/speed.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { formattingLocale } from '#lib/ui/viewer.ts';
import { landing } from './landing.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	const plans = await cardsOnOffer();
	const baseDomain = likelyBaseDomain(plans);
	const words = landing({
		plans,
		speed: await setupSpeed(db),
		slowest: await slowestSetups(db),
		baseDomain,
		contact: await setting('general.contact_address'),
		maxWaitHours: await setting('provisioning.max_wait_hours'),
		locale: formattingLocale(event.locals.locale, event.request.headers.get('accept-language'))
	});
	return { words, baseDomain };
};
