import { DAY, HOUR, MINUTE, SECOND } from '#lib/core/clock.server.ts';
import type { CustomDomainStatus } from '#prisma/generated/enums.ts';

/** So many looks in a row must find an active domain broken before it counts as broken. */
export const MISSES = 3;

export interface Paced {
	status: CustomDomainStatus;
	/** Since when it has been in the way that it is: added, proven, or broken. */
	since: Date;
	misses: number;
	/** Our own side could not go on. */
	failed: boolean;
	/** Spreads the daily looks over the day: of each domain the same share, 0 to 1. */
	share: number;
}

/**
 * How long until the next look, in milliseconds; null: only when somebody asks. Who waits looks often, who has given up
 * seldom, and what works once a day.
 */
export function pause({ status, since, misses, share, failed }: Paced, at: Date): number | null {
	if (failed) return Math.round((1 + share) * (status === 'active' ? 10 : 1) * MINUTE);
	const age = at.getTime() - since.getTime();
	switch (status) {
		case 'verifying':
			return age < 5 * MINUTE ? 5 * SECOND : age < HOUR ? 30 * SECOND : 10 * MINUTE;
		case 'pending':
			if (age < HOUR) return MINUTE;
			if (age < DAY) return 10 * MINUTE;
			if (age < 14 * DAY) return HOUR;
			return age < 60 * DAY ? DAY : null;
		case 'error':
			return age < DAY ? 5 * MINUTE : age < 7 * DAY ? 30 * MINUTE : 6 * HOUR;
		case 'active':
			return misses > 0 ? MINUTE : Math.round((0.9 + 0.1 * share) * DAY);
		default:
			return null;
	}
}

/** The same number between 0 and 1 for the same id. */
export function shareOf(id: string): number {
	return parseInt(id.replaceAll('-', '').slice(-8), 16) / 0x1_0000_0000;
}
