import { getLocale } from '#i18n/paraglide/runtime.js';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { formattingLocale, validZone, ZONE_COOKIE } from '#lib/ui/viewer.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = (event) => {
	publicRoute(event);
	const { cookies, request } = event;
	return {
		viewer: {
			locale: formattingLocale(getLocale(), request.headers.get('accept-language')),
			timeZone: validZone(cookies.get(ZONE_COOKIE))
		},
		appEnv: process.env.APP_ENV ?? 'development'
	};
};
