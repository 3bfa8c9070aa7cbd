import { db, transaction } from '#lib/core/db.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';

const RULE = 'infrastructure.database-server-down';

interface Row {
	id: string;
	vmid: number;
	hostname: string;
	served: number;
	isDown: boolean;
	isOpen: boolean;
}

/**
 * Opens an alert for each server of databases that is down and that containers have their databases on, and closes it once
 * it is back: one cause where otherwise each of its instances would be one.
 */
export async function watchServers(): Promise<void> {
	const rows = await db.$queryRaw<Row[]>`
		SELECT server.id, server.vmid, server.hostname, served.count::int AS served,
			server.status IN ('stopped', 'paused', 'error') OR node.status = 'offline' AS "isDown",
			EXISTS (SELECT FROM alerts alert WHERE alert.rule = ${RULE} AND alert.subject_id = server.id::text
				AND alert.closed_at IS NULL) AS "isOpen"
		FROM lxc_containers server
		JOIN proxmox_nodes node ON node.id = server.node_id
		CROSS JOIN LATERAL (
			SELECT count(*) FROM lxc_containers WHERE postgres_container_id = server.id AND status <> 'deleted'
		) AS served
		WHERE server.purpose = 'postgres'`;
	for (const { id, vmid, hostname, served, isDown, isOpen } of rows) {
		const wants = isDown && served > 0;
		if (wants === isOpen) continue;
		const subject = { rule: RULE, subjectType: 'container', subjectId: id };
		const data = { vmid, hostname, count: served };
		await transaction(async (tx) => {
			if (wants) await openAlert(tx, { ...subject, severity: 'critical', data });
			else await closeAlert(tx, subject);
		});
	}
}
