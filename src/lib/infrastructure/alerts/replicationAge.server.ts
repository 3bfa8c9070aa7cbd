import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { defineAlertMetric } from '#lib/notifications/alerts/alertMetrics.server.ts';
import { setting } from '#lib/settings/settings.server.ts';

/** What nobody has looked at for so long is not known. */
const FRESH = 15 * MINUTE;

// In intervals of the setting, so that one rule holds whatever it says: 1 is on time.
defineAlertMetric({
	...{ name: 'container.replication_age', unit: 'intervals', subjectType: 'container' },
	...{ worse: 'above', hasHistory: false },
	read: async (tx) => {
		const minutes = await setting('infrastructure.replication_minutes');
		const rows = await tx.$queryRaw<
			{ id: string; name: string; vmid: number; age: number | null; seenAt: Date }[]
		>`
			SELECT container.id, container.hostname AS name, container.vmid, guard.seen_at AS "seenAt",
				extract(epoch FROM guard.seen_at - guard.copied_at)::float8 / 60 / ${minutes} AS age
			FROM lxc_containers container JOIN container_guards guard ON guard.container_id = container.id
			WHERE container.ha_node_id IS NOT NULL AND container.status NOT IN ('deleted', 'provisioning') AND guard.replicated
			ORDER BY container.hostname`;
		return rows.map(({ id, name, vmid, age, seenAt }) => ({
			...{ subjectId: id, name, data: { hostname: name, vmid } },
			values: age === null || seenAt < after(now(), -FRESH) ? null : [age]
		}));
	}
});
