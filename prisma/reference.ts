import { seedDunning } from '#lib/billing/dunningDefault.ts';
import { seedRoles } from '#lib/identity/permissions.ts';
import { seedAlertRules } from '#lib/notifications/alerts/builtInRules.ts';
import type { PrismaClient } from './generated/client.ts';

interface PlanSeed {
	key: string;
	name: string;
	isolation: 'shared' | 'dedicated' | 'dedicated_ha';
	cpuCores: number;
	ramMb: number;
	diskGb: number;
	backupIntervalHours: number;
	supportChannel: 'email' | 'chat' | 'phone';
	slaBasisPoints: number;
	position: number;
	purchasable: boolean;
	highlighted: boolean;
	/** US cents a month. */
	amount: number;
}

const PLANS: PlanSeed[] = [
	{
		key: 'basic',
		name: 'Basic',
		isolation: 'shared',
		cpuCores: 1,
		ramMb: 2048,
		diskGb: 10,
		backupIntervalHours: 168,
		supportChannel: 'email',
		slaBasisPoints: 9900,
		position: 1,
		purchasable: true,
		highlighted: false,
		amount: 2900
	},
	{
		key: 'pro',
		name: 'Pro',
		isolation: 'dedicated',
		cpuCores: 2,
		ramMb: 4096,
		diskGb: 50,
		backupIntervalHours: 24,
		supportChannel: 'chat',
		slaBasisPoints: 9950,
		position: 2,
		purchasable: true,
		highlighted: true,
		amount: 4900
	},
	{
		key: 'enterprise',
		name: 'Enterprise',
		isolation: 'dedicated_ha',
		cpuCores: 4,
		ramMb: 8192,
		diskGb: 100,
		backupIntervalHours: 6,
		supportChannel: 'phone',
		slaBasisPoints: 9990,
		position: 3,
		purchasable: true,
		highlighted: false,
		amount: 9900
	}
];

/** What every installation starts with. Rows that exist are left as the staff have made them. */
export async function seedReference(db: PrismaClient): Promise<void> {
	await seedRoles(db);
	await seedDunning(db);
	await seedAlertRules(db);
	for (const { amount, ...plan } of PLANS) {
		const exists = await db.plan.findFirst({ where: { key: plan.key }, select: { id: true } });
		if (exists) continue;
		await db.plan.create({
			data: {
				...plan,
				prices: { create: { interval: 'month', currency: 'usd', amount } },
				// What is promised is said when it is nearly used; what else happens, staff decide.
				limits: { create: { resource: 'disk_gb', amount: plan.diskGb, act: 'tell' } }
			}
		});
	}
}
