import type { Rejection } from './placement.ts';

const LACKS = new Set<Rejection['code']>(['ha_quorum', 'ha_storage', 'ha_version']);

/**
 * Whether there is no cluster at all that could ever take a container with high availability, full or not: none has the
 * nodes, the storage and the Proxmox for it. That is nothing to make room for, and nothing to sell.
 */
export function lacksHa(found: {
	isolation: string;
	nodes: { fits: boolean; reasons: Pick<Rejection, 'code'>[] }[];
}): boolean {
	return (
		found.isolation === 'dedicated_ha' &&
		found.nodes.every(({ reasons }) => reasons.some(({ code }) => LACKS.has(code)))
	);
}
