import { getLocale } from '#i18n/paraglide/runtime.js';
import { formattingLocale, validZone, ZONE_COOKIE } from '#lib/ui/viewer.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = ({ cookies, request }) => ({
	viewer: {
		locale: formattingLocale(getLocale(), request.headers.get('accept-language')),
		timeZone: validZone(cookies.get(ZONE_COOKIE))
	},
	appEnv: process.env.APP_ENV ?? 'development'
});
