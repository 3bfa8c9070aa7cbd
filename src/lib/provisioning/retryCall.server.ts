import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { retrySaga } from '#lib/core/saga.server.ts';
import type { VendorCall } from '#prisma/generated/client.ts';
import type { CallStatus, RefundOrderStatus } from '#prisma/generated/enums.ts';
import { audit, type Actor } from '../logs/audit.server.ts';

/**
 * How a call to a vendor is sent again. A call alone is never repeated: what it belongs to looks at the vendor first and
 * sends only what is still missing.
 */
export type RetryWay =
	| { by: 'run' | 'cleanup'; jobId: string }
	| { by: 'refund'; orderId: string }
	| { by: null; why: 'succeeded' | 'running' | 'settled' };

type Call = Pick<
	VendorCall,
	| 'id'
	| 'status'
	| 'vendor'
	| 'operation'
	| 'key'
	| 'jobId'
	| 'stepName'
	| 'subjectId'
	| 'startedAt'
>;

const REPEATABLE: readonly CallStatus[] = ['failed', 'unknown'];
const OPEN_ORDERS: RefundOrderStatus[] = [
	'open',
	'waiting_payment',
	'waiting_dispute',
	'pending',
	'failed'
];

/** The way for each call, by its id, in a few queries for a whole page. */
export async function retryWays(tx: Tx, calls: readonly Call[]): Promise<Map<string, RetryWay>> {
	const open = calls.filter(({ status }) => REPEATABLE.includes(status));
	const jobIds = open.flatMap(({ jobId }) => jobId ?? []);
	const runs = await tx.provisioningJob.findMany({
		where: { id: { in: jobIds } },
		select: { id: true, status: true }
	});
	const cleanups = await tx.cleanupItem.findMany({
		where: { jobId: { in: jobIds }, status: 'open' },
		select: { jobId: true, kind: true }
	});
	const orders = await tx.refundOrder.findMany({
		where: {
			signupId: { in: open.flatMap(({ subjectId }) => subjectId ?? []) },
			status: { in: OPEN_ORDERS }
		},
		select: { id: true, signupId: true }
	});
	const wayOf = (call: Call): RetryWay => {
		if (!REPEATABLE.includes(call.status))
			return { by: null, why: call.status === 'pending' ? 'running' : 'succeeded' };
		const run = runs.find(({ id }) => id === call.jobId);
		const left = cleanups.find(({ jobId, kind }) => jobId === call.jobId && kind === call.stepName);
		if (left) return { by: 'cleanup', jobId: left.jobId };
		if (run?.status === 'failed') return { by: 'run', jobId: run.id };
		// A run that is under way asks again by itself.
		if (run && !['succeeded', 'compensated'].includes(run.status))
			return { by: null, why: 'running' };
		const order = orders.find(({ signupId }) => signupId === call.subjectId);
		if (order && call.vendor === 'stripe') return { by: 'refund', orderId: order.id };
		return { by: null, why: 'settled' };
	};
	return new Map(calls.map((call) => [call.id, wayOf(call)]));
}

/**
 * Lets what a failed call belongs to try again: the failed run, what a run left behind, or the refund.
 * @throws {AppError} NOT_FOUND; WRONG_STATE when nothing waits for this call any more
 */
export async function retryCall(tx: Tx, callId: string, act: { by: Actor }): Promise<RetryWay> {
	const call = await tx.vendorCall.findUnique({ where: { id: callId } });
	if (!call) throw new AppError('NOT_FOUND');
	const way = (await retryWays(tx, [call])).get(call.id);
	if (!way || way.by === null)
		throw new AppError('WRONG_STATE', { params: { from: call.status, to: 'pending' } });
	if (way.by === 'refund') {
		await enqueue(tx, 'billing.refund-signup', { orderId: way.orderId }, { key: way.orderId });
	} else if (way.by === 'run') await retrySaga(tx, way.jobId);
	else await enqueue(tx, 'provisioning.cleanup', {});
	await audit(tx, {
		actor: act.by,
		action: 'vendors.retry',
		subject: { type: 'vendor-call', id: call.id },
		customerId: call.customerId,
		after: { vendor: call.vendor, operation: call.operation, by: way.by }
	});
	return way;
}
