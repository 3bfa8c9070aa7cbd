import { now } from '#lib/core/clock.server.ts';
import { defineAlertMetric } from '../notifications/alerts/alertMetrics.server.ts';

// In intervals of its plan, so that one rule holds for all plans: 1 is on time.
defineAlertMetric({
	...{ name: 'tenant.backup_age', unit: 'intervals', subjectType: 'tenant' },
	...{ worse: 'above', hasHistory: false },
	read: async (tx) => {
		const rows = await tx.$queryRaw<{ id: string; slug: string; age: number }[]>`
			SELECT tenant.id, tenant.subdomain AS slug, extract(epoch FROM ${now()}::timestamptz - coalesce(
				(SELECT max(backup.started_at) FROM backups backup WHERE backup.tenant_id = tenant.id AND backup.status = 'succeeded'),
				tenant.activated_at))::float8 / 3600 / plan.backup_interval_hours AS age
			FROM tenant_deployments tenant JOIN plans plan ON plan.id = tenant.plan_id
			WHERE tenant.status IN ('active', 'degraded', 'suspended') AND tenant.container_id IS NOT NULL
				AND tenant.activated_at IS NOT NULL AND plan.backup_interval_hours > 0
			ORDER BY tenant.subdomain`;
		return rows.map(({ id, slug, age }) => ({
			...{ subjectId: id, name: slug, data: { slug }, values: [age] }
		}));
	}
});
