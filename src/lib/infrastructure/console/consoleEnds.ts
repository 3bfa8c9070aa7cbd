import { m } from '#i18n/paraglide/messages.js';

/** Why a console ended, and what a person reads of it. */
const ENDS = {
	/** The browser closed it. */
	closed: () => m.console_end_closed(),
	/** The browser no longer answers. */
	away: () => m.console_end_away(),
	/** The program on the other side ended. */
	exited: () => m.console_end_exited(),
	/** The connection to the node broke. */
	lost: () => m.console_end_lost(),
	idle: () => m.console_end_idle(),
	too_long: () => m.console_end_too_long(),
	logged_out: () => m.console_end_logged_out(),
	forbidden: () => m.console_end_forbidden(),
	/** This process ends. */
	restarting: () => m.console_end_restarting(),
	/** The process that served it died. */
	vanished: () => m.console_end_vanished(),
	/** Nobody could say whether the person still may. */
	unchecked: () => m.console_end_unchecked(),

	// It never opened.
	unreachable: () => m.console_end_unreachable(),
	untrusted: () => m.console_end_untrusted(),
	unauthorized: () => m.console_end_unauthorized(),
	not_running: () => m.console_end_not_running(),
	not_found: () => m.console_end_not_found(),
	needs_worker: () => m.console_end_needs_worker(),
	failed: () => m.console_end_failed()
} as const;

export type ConsoleEnd = keyof typeof ENDS;

/** @param reason of a closed socket; what is none of ours is a connection that broke on the way to us */
export function consoleEnd(reason: string): string {
	return isEnd(reason) ? ENDS[reason]() : m.console_end_connection();
}

function isEnd(reason: string): reason is ConsoleEnd {
	return Object.hasOwn(ENDS, reason);
}
