import { setting } from '#lib/settings/settings.server.ts';

/** Whether staff must have a second factor: yes, unless the security setting says otherwise. */
export function staffSecondFactorRequired(): Promise<boolean> {
	return setting('security.staff_second_factor');
}
