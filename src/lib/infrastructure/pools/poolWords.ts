import { m } from '#i18n/paraglide/messages.js';
import type { PoolWait } from './poolPlan.ts';

const WAITS: Record<PoolWait, () => string> = {
	not_sold: m.pool_wait_not_sold,
	no_template: m.pool_wait_no_template,
	no_server: m.rejection_database_server,
	server_full: m.rejection_database_server_full,
	offline: m.pool_wait_offline,
	maintenance: m.pool_wait_maintenance,
	unwell: m.pool_wait_unwell,
	silent: m.rejection_silent,
	no_room: m.pool_wait_no_room,
	wanted: m.pool_wait_wanted,
	busy: m.pool_wait_busy
};

/** Why a pool is below its target: our sentence, Proxmox's words where it said some, and whether trying again now helps. */
export function poolTrouble(error: string): {
	sentence: string;
	technical: string | null;
	isFailure: boolean;
} {
	if (isWait(error)) return { sentence: WAITS[error](), technical: null, isFailure: false };
	const technical = error.slice(error.indexOf(':') + 1).trim();
	return { sentence: m.pool_failed(), technical, isFailure: true };
}

function isWait(error: string): error is PoolWait {
	return Object.hasOwn(WAITS, error);
}
