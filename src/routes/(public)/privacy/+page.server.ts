import { publicRoute } from '#lib/identity/guard.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	return { backupDays: await setting('backups.keep_last_days') };
};
