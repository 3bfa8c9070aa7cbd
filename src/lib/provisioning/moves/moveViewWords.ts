import { MoveStatus } from '#prisma/generated/enums.ts';
import { moveError } from './migrationErrors.ts';
import { containerMoveTrouble } from './moveWords.ts';

export const MOVE_STATUSES = Object.values(MoveStatus);

export function isMoveStatus(status: string): status is MoveStatus {
	return Object.hasOwn(MoveStatus, status);
}

/** Why a container's move waits, failed or was turned back: our sentence, and the vendor's own words where there are some. */
export function moveTrouble(stored: string): { sentence: string; technical: string | null } {
	const { sentence, technical } = containerMoveTrouble(stored) ?? moveError(stored);
	// Refusals are written to stand behind a colon.
	return { sentence: sentence.charAt(0).toUpperCase() + sentence.slice(1), technical };
}

/** Milliseconds off the air; of one that is off the air now, until `at`. Null: it was not taken off the air, or not yet. */
export function downtimeMs(
	{ offAirAt, onAirAt }: { offAirAt: Date | null; onAirAt: Date | null },
	at?: number
): number | null {
	const end = onAirAt?.getTime() ?? at;
	return offAirAt && end !== undefined ? Math.max(0, end - offAirAt.getTime()) : null;
}
