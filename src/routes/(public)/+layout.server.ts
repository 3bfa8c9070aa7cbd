import { publicRoute } from '#lib/identity/guard.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async (event) => {
	const auth = publicRoute(event);
	return {
		platform: await setting('general.platform_name'),
		contact: await setting('general.contact_address'),
		side: auth?.side ?? null
	};
};
