import { env } from '#lib/core/env.server.ts';

/** Whether staff must have a second factor: yes, unless the security setting says otherwise. */
export function staffSecondFactorRequired(): boolean {
	return env.SECOND_FACTOR_REQUIRED ?? true;
}
