import type { Cluster } from './cluster.ts';
import { died, type PveError } from './errors.ts';

/** What a node does without asking the others: stop what runs, show a terminal, end a task. */
const ALONE =
	/\/status\/(stop|shutdown|suspend)$|\/(vncproxy|termproxy|vncwebsocket)$|\/tasks\/|^\/access\/ticket/;

export function isQuorate({ state: { nodes } }: Cluster): boolean {
	return nodes.filter(({ online }) => online).length > nodes.length / 2;
}

/**
 * What a change says while the cluster has no majority, in whose words it is found out: the checks of commands, the locks of
 * the cluster's files, and plain files of /etc/pve, which are read-only then. Null: it may be made.
 */
export function withoutQuorum(
	cluster: Cluster,
	{ method, path }: { method: string; path: string }
): PveError | null {
	if (method === 'GET' || ALONE.test(path) || isQuorate(cluster)) return null;
	const file = /^\/cluster\/(ha|replication)/.exec(path)?.[1];
	if (file) return died(`cfs-lock 'file-${file}_cfg' error: no quorum!`);
	if (path.endsWith('/config'))
		return died(
			`unable to open file '/etc/pve/local/lxc/CT.conf.tmp.${process.pid}' - Permission denied`
		);
	return died('cluster not ready - no quorum?');
}
