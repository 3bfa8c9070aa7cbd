import type { PrismaClient } from '#prisma/generated/client.ts';
import type { AlertSeverity } from '#prisma/generated/enums.ts';
import type { AlertChannel } from './ruleForms.ts';

interface RuleSeed {
	key: string;
	/** Null: code opens its alerts by itself. */
	metric: string | null;
	threshold: number | null;
	samples: number;
	hysteresis: number;
	severity: AlertSeverity;
	criticalAt: number | null;
	channels: AlertChannel[];
}

const EVERYWHERE: AlertChannel[] = ['web', 'mail', 'webhook'];
// There are thousands of them; whoever wants a mail for each says so.
const WITHOUT_MAIL: AlertChannel[] = ['web', 'webhook'];

/** Four fifths for a quarter of an hour; back below three quarters it is over. */
const BUSY = {
	...{ threshold: 80, samples: 3, hysteresis: 5 },
	...{ severity: 'warning' as const, criticalAt: 95 }
};
const DAYS_LEFT = {
	...{ threshold: 14, samples: 1, hysteresis: 1 },
	...{ severity: 'warning' as const, criticalAt: 3, channels: EVERYWHERE }
};
const YES = {
	...{ threshold: null, samples: 1, hysteresis: 0 },
	...{ severity: 'critical' as const, criticalAt: null, channels: EVERYWHERE }
};

const RULES: RuleSeed[] = [
	{ key: 'infrastructure.node-cpu', metric: 'node.cpu', ...BUSY, channels: EVERYWHERE },
	{ key: 'infrastructure.node-ram', metric: 'node.ram', ...BUSY, channels: EVERYWHERE },
	{ key: 'infrastructure.node-disk', metric: 'node.disk', ...BUSY, channels: EVERYWHERE },
	{ key: 'infrastructure.node-disk-full', metric: 'node.disk_days', ...DAYS_LEFT, hysteresis: 3 },
	{ key: 'infrastructure.node-offline', metric: 'node.offline', ...YES },
	{ key: 'infrastructure.node-certificate', metric: 'node.certificate_days', ...DAYS_LEFT },
	{ key: 'infrastructure.container-cpu', metric: 'container.cpu', ...BUSY, channels: WITHOUT_MAIL },
	{ key: 'infrastructure.container-ram', metric: 'container.ram', ...BUSY, channels: WITHOUT_MAIL },
	{ key: 'infrastructure.container-disk', metric: 'container.disk', ...BUSY, channels: EVERYWHERE },
	{
		...{ key: 'infrastructure.container-disk-full', metric: 'container.disk_days', ...DAYS_LEFT },
		...{ threshold: 7, hysteresis: 2, criticalAt: 2 }
	},
	{
		...{
			key: 'infrastructure.replication-late',
			metric: 'container.replication_age',
			threshold: 2
		},
		...{ samples: 1, hysteresis: 0, severity: 'warning', criticalAt: 12, channels: EVERYWHERE }
	},
	{
		...{ key: 'provisioning.tenant-slow', metric: 'tenant.latency', threshold: 3_000, samples: 3 },
		...{ hysteresis: 500, severity: 'warning', criticalAt: null, channels: EVERYWHERE }
	},
	{ key: 'provisioning.no-capacity', metric: 'tenant.waits_for_room', ...YES },
	{ key: 'domains.certificate-expiring', metric: 'domain.certificate_days', ...DAYS_LEFT },
	{
		...{ key: 'backups.backup-late', metric: 'tenant.backup_age', threshold: 1.5, samples: 1 },
		...{ hysteresis: 0, severity: 'warning', criticalAt: 3, channels: EVERYWHERE }
	}
];

/** Alerts that code opens by itself, with the worst that they may be: it says how bad each one is. */
const EVENTS: Record<string, AlertSeverity> = {
	'infrastructure.node-unwell': 'critical',
	'infrastructure.failed-over': 'critical',
	'infrastructure.container-missing': 'critical',
	'infrastructure.database-server-down': 'critical',
	'domains.provider-paused': 'warning',
	'domains.ingress-differs': 'critical',
	'domains.tunnel-down': 'critical',
	'notifications.webhook-paused': 'warning',
	'billing.charge-differs': 'critical',
	'billing.refund-failed': 'critical',
	'billing.refund-late': 'warning',
	'billing.refund-stuck': 'critical',
	'provisioning.failed': 'critical',
	'provisioning.delete-failed': 'critical',
	'provisioning.left-behind': 'warning',
	'provisioning.move-failed': 'critical',
	'provisioning.tenant-move-failed': 'critical',
	'provisioning.move-left-behind': 'warning',
	'provisioning.plan-is-a-move': 'critical',
	'provisioning.plan-has-no-room': 'critical',
	'provisioning.plan-move-failed': 'critical',
	'provisioning.tenant-down': 'critical',
	'provisioning.tunnel-silent': 'critical',
	'provisioning.probe-blind': 'critical'
};

/** The rules that every installation starts with. One that exists is left as the staff have made it. */
export async function seedAlertRules(db: PrismaClient): Promise<void> {
	const events = Object.entries(EVENTS).map(([key, severity]): RuleSeed => ({
		...{ ...YES, key, severity, metric: null }
	}));
	await db.alertRule.createMany({
		data: [...RULES, ...events].map((rule) => ({ ...rule, builtIn: true })),
		skipDuplicates: true
	});
}
