/**
 * How many connections Odoos may open, and a server of databases takes: the numbers of `deploy/lxc/inside` (30-postgresql.sh,
 * 50-service.sh), which a test compares. Each Odoo that is attached is counted with all that it may open.
 */

/** What decides how many processes an Odoo has; RAM in MB. */
export interface OdooSize {
	cpuCores: number;
	ramMb: number;
}

/**
 * Of each process, as each has a pool of its own (`db_maxconn`). A request has one, for a notice another, and modules may take
 * more; a scheduled job needs two besides those. A full pool is an error, no wait.
 */
const PER_PROCESS = 5;
/** Of the one that serves all websockets (`db_maxconn_gevent`). */
const OF_WEBSOCKETS = 16;
/** A worker has so much memory at least, in MB. */
const PER_WORKER = 400;
/** What a connection may take, in MB; half of a server's memory is for them. */
const PER_CONNECTION = 10;
/** A PostgreSQL takes so many by default, and is never given less; with more than the most it is slower, not faster. */
const [LEAST, MOST] = [100, 1000];
/** Kept for the superuser, dumps, and Odoo's own commands. */
const KEPT = 20;

/** How many an Odoo opens when all of its processes are at their limits: workers, scheduled jobs, websockets. */
export function connectionsOfOdoo({ cpuCores, ramMb }: OdooSize): number {
	const workers = Math.max(2, Math.min(cpuCores * 2 + 1, Math.floor(ramMb / PER_WORKER)));
	return (workers + 1) * PER_PROCESS + OF_WEBSOCKETS;
}

/** `max_connections` of a server of so much memory. */
export function connectionsOfServer(ramMb: number): number {
	return Math.min(MOST, Math.max(LEAST, Math.floor(ramMb / 2 / PER_CONNECTION)));
}

/** How many of a server's connections are promised to Odoos, and how many may be. */
export function promisedOn(ramMb: number, served: OdooSize[]): { promised: number; most: number } {
	return {
		promised: served.reduce((sum, one) => sum + connectionsOfOdoo(one), 0),
		most: connectionsOfServer(ramMb) - KEPT
	};
}
