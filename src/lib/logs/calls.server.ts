import { after, HOUR } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { timeVendorCall } from '#lib/core/metrics.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import type { CallRecorder, RecordedCall } from '#lib/integrations/record.ts';
import { storable } from './json.server.ts';

/** A dump of a large database takes an hour at most. */
const LONGEST_CALL = 2 * HOUR;

export interface CallContext {
	jobId?: string;
	stepName?: string;
	customerId?: string;
	/** The row that the call is about: a tenant, a tunnel, a refund. */
	subjectId?: string;
}

/**
 * The recorder that vendor clients are made with. The row of a changing call is committed before the request leaves,
 * on a connection of its own, so that a rollback or a crash cannot hide it; calls that only read leave none.
 */
export function recorder(context: CallContext = {}): CallRecorder {
	return async (call, send) => {
		if (!call.changes) return timeVendorCall(call, send);
		const { id } = await db.vendorCall.create({
			data: {
				...context,
				vendor: call.vendor,
				operation: call.operation,
				key: call.key ?? null,
				request: storable(call.request),
				attempts: (await earlierAttempts(call, context)) + 1
			},
			select: { id: true }
		});
		try {
			const answer = await timeVendorCall(call, send);
			await complete(id, { status: 'succeeded', response: storable(answer) });
			return answer;
		} catch (error) {
			await complete(id, failed(error));
			throw error;
		}
	};
}

/** How often this was asked before: same key, same thing. */
async function earlierAttempts(call: RecordedCall, context: CallContext): Promise<number> {
	if (!call.key) return 0;
	const { vendor, operation, key } = call;
	const { jobId, subjectId } = context;
	return db.vendorCall.count({ where: { vendor, operation, key, jobId, subjectId } });
}

type Outcome = Pick<
	Parameters<typeof db.vendorCall.update>[0]['data'],
	'status' | 'response' | 'httpStatus' | 'error'
>;

/** An error that no client named leaves the effect open, as a lost answer does. */
function failed(error: unknown): Outcome {
	if (!(error instanceof VendorError))
		return { status: 'unknown', error: String(error).slice(0, 2_000) };
	return {
		status: error.ambiguous ? 'unknown' : 'failed',
		httpStatus: error.status,
		error: (error.code ? `${error.code}: ${error.message}` : error.message).slice(0, 2_000)
	};
}

const WORKER_DIED = 'the worker ended before the answer came';

/** As part of the end of a run: of a call that a dead worker left without an outcome, none is known. */
export async function closeCalls(tx: Tx, jobId: string): Promise<void> {
	await tx.vendorCall.updateMany({
		where: { jobId, status: 'pending' },
		data: { status: 'unknown', error: WORKER_DIED, finishedAt: new Date() }
	});
}

/** The same for calls of no run, or of one that goes on, once no call can still be on its way. */
export async function closeOldCalls(): Promise<void> {
	await db.vendorCall.updateMany({
		where: { status: 'pending', startedAt: { lt: after(new Date(), -LONGEST_CALL) } },
		data: { status: 'unknown', error: WORKER_DIED, finishedAt: new Date() }
	});
}

async function complete(id: string, outcome: Outcome): Promise<void> {
	try {
		await db.vendorCall.update({ where: { id }, data: { ...outcome, finishedAt: new Date() } });
	} catch (error) {
		// The call did happen, so its caller must hear the answer; the row stays `pending`, which reads as not known.
		log.error({ err: error, vendorCall: id }, 'the outcome of a vendor call could not be stored');
	}
}
