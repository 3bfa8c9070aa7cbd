import { beforeEach, expect, it } from 'vitest';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { testContainers } from '../../../tests/setup/containers.ts';
import { after, HOUR, now, setClockOffset } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import './jobs.server.ts';
import { backUpWhatIsDue } from './schedule.server.ts';

await testContainers({ work: false });
const node = await db.node.findFirstOrThrow();
const { clusterId } = node;
let vmid = 900;

beforeEach(async () => {
	setClockOffset(0);
	await db.backup.deleteMany();
	await db.tenant.deleteMany();
});

/** A live instance whose plan promises a backup every so many hours. */
async function live(hours: number, facts: object = {}): Promise<string> {
	const plan = await aPlan({ isolation: 'dedicated' });
	await db.plan.update({ where: { id: plan.id }, data: { backupIntervalHours: hours } });
	const tenant = await createUnplacedTenant(db);
	vmid += 1;
	const container = await db.container.create({
		data: {
			...{ clusterId, nodeId: node.id, vmid, hostname: tenant.slug, purpose: 'odoo' },
			...{ cpuCores: 1, ramMb: 1_024, diskGb: 8, status: 'running' }
		}
	});
	await db.tenant.update({
		where: { id: tenant.id },
		data: {
			...{ status: 'active', planId: plan.id, containerId: container.id },
			activatedAt: after(now(), -2 * HOUR),
			...facts
		}
	});
	return tenant.id;
}
const backupsOf = (tenantId: string) =>
	db.backup.findMany({ where: { tenantId }, orderBy: { startedAt: 'asc' } });

it('asks for one as often as the plan promises, and for one at a time', async () => {
	const tenant = await live(24);
	expect(await backUpWhatIsDue()).toBe(1);
	expect(await backUpWhatIsDue()).toBe(0);
	const [first] = await backupsOf(tenant);
	expect(first).toMatchObject({ reason: 'scheduled', status: 'running', kind: 'container' });
	await db.backup.update({ where: { id: first!.id }, data: { status: 'succeeded' } });
	setClockOffset(23 * HOUR);
	expect(await backUpWhatIsDue()).toBe(0);
	setClockOffset(24 * HOUR + 60_000);
	expect(await backUpWhatIsDue()).toBe(1);
	expect(await backupsOf(tenant)).toHaveLength(2);
});

it('takes the rhythm of another plan at once', async () => {
	const tenant = await live(168);
	await backUpWhatIsDue();
	await db.backup.updateMany({ where: { tenantId: tenant }, data: { status: 'succeeded' } });
	setClockOffset(7 * HOUR);
	expect(await backUpWhatIsDue()).toBe(0);
	const { planId } = await db.tenant.findUniqueOrThrow({ where: { id: tenant } });
	await db.plan.update({ where: { id: planId }, data: { backupIntervalHours: 6 } });
	expect(await backUpWhatIsDue()).toBe(1);
});

it('leaves new ones, gone ones and those that just failed alone', async () => {
	await live(24, { activatedAt: now() });
	await live(24, { status: 'deleting' });
	await live(24, { containerId: null });
	const failed = await live(24);
	await backUpWhatIsDue();
	await db.backup.updateMany({ where: { tenantId: failed }, data: { status: 'failed' } });
	expect(await backUpWhatIsDue()).toBe(0);
	setClockOffset(HOUR + 60_000);
	// The new one is not new any more.
	expect(await backUpWhatIsDue()).toBe(2);
});
