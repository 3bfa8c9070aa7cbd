import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import '#lib/jobs/registry.server.ts';
import type { CallStatus, SagaStatus } from '#prisma/generated/enums.ts';
import { waitingJobs } from '../../../tests/setup/billing.ts';
import { aSignup } from '../../../tests/factories/billing.ts';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { retryCall, retryWays } from './retryCall.server.ts';
import { tenantAct } from './tenantActs.server.ts';
import { findTenant } from './tenantView.server.ts';
import { suspend } from './tenants.server.ts';

await testDatabase();
await testQueue({ work: false });

async function aRun(status: SagaStatus) {
	const tenant = await createUnplacedTenant(db);
	const run = await db.provisioningJob.create({
		data: {
			saga: 'tenants.create',
			subjectId: tenant.id,
			customerId: tenant.customerId,
			status,
			state: { signupId: null },
			steps: {
				create: {
					position: 0,
					name: 'dns',
					status: status === 'failed' ? 'failed' : 'done',
					attempts: 3
				}
			}
		}
	});
	return { tenant, run };
}

const aCall = (jobId: string | null, status: CallStatus = 'failed', subjectId?: string) =>
	db.vendorCall.create({
		data: {
			vendor: subjectId ? 'stripe' : 'cloudflare',
			operation: 'dns.create',
			stepName: 'dns',
			jobId,
			status,
			subjectId
		}
	});

const retried = (id: string) => transaction((tx) => retryCall(tx, id, { by: SYSTEM }));

describe('a failed call', () => {
	it('of a failed run takes the run up at the step that failed, once', async () => {
		const { run } = await aRun('failed');
		const call = await aCall(run.id);
		expect(await retried(call.id)).toEqual({ by: 'run', jobId: run.id });
		expect(
			await db.provisioningJob.findUnique({ where: { id: run.id }, include: { steps: true } })
		).toMatchObject({ status: 'queued', steps: [{ status: 'pending', attempts: 0 }] });
		expect(await waitingJobs('sagas.run')).toContainEqual({ jobId: run.id });
		expect(
			await db.auditEntry.findFirst({ where: { action: 'vendors.retry', subjectId: call.id } })
		).toMatchObject({ after: { by: 'run', vendor: 'cloudflare', operation: 'dns.create' } });
		await expect(retried(call.id)).rejects.toThrow('WRONG_STATE');
	});

	it('whose effect could not be taken back is undone again', async () => {
		const { run } = await aRun('compensated');
		await db.cleanupItem.create({ data: { jobId: run.id, kind: 'dns', target: {} } });
		const call = await aCall(run.id, 'unknown');
		expect(await retried(call.id)).toEqual({ by: 'cleanup', jobId: run.id });
		expect(await waitingJobs('provisioning.cleanup')).toHaveLength(1);
	});

	it('of a refund goes on with the refund', async () => {
		const { tenant } = await aRun('compensated');
		const signup = await aSignup({ customerId: tenant.customerId });
		const order = await db.refundOrder.create({
			data: {
				customerId: tenant.customerId,
				signupId: signup.id,
				purpose: 'signup',
				reason: 'x',
				status: 'failed'
			}
		});
		const call = await aCall(null, 'failed', signup.id);
		expect(await retried(call.id)).toEqual({ by: 'refund', orderId: order.id });
		expect(await waitingJobs('billing.refund-signup')).toContainEqual({ orderId: order.id });
	});

	it('needs nobody while its run works, after it, or when it took effect', async () => {
		const working = await aCall((await aRun('running')).run.id);
		const over = await aCall((await aRun('succeeded')).run.id);
		const well = await aCall((await aRun('failed')).run.id, 'succeeded');
		const ways = await retryWays(db, [working, over, well]);
		expect([working, over, well].map(({ id }) => ways.get(id))).toEqual([
			{ by: null, why: 'running' },
			{ by: null, why: 'settled' },
			{ by: null, why: 'succeeded' }
		]);
		await expect(retried(over.id)).rejects.toThrow('WRONG_STATE');
	});
});

describe('an act of staff', () => {
	it('is done once, however often the button is pressed, and never on what changed meanwhile', async () => {
		const { id } = await createUnplacedTenant(db);
		await db.tenant.update({ where: { id }, data: { status: 'active' } });
		const { version } = await findTenant(db, id);
		const press = () =>
			tenantAct(id, { version, done: ['suspended'] }, (tx, tenant) =>
				suspend(tx, tenant, { reason: 'abuse', by: SYSTEM })
			);
		await press();
		await press();
		expect(await findTenant(db, id)).toMatchObject({
			status: 'suspended',
			suspensionReason: 'abuse',
			version: version + 1
		});
		expect(await db.auditEntry.count({ where: { action: 'tenants.suspend', subjectId: id } })).toBe(
			1
		);
		await db.tenant.update({
			where: { id },
			data: { status: 'active', version: { increment: 1 } }
		});
		await expect(press()).rejects.toThrow('CHANGED_MEANWHILE');
	});
});
