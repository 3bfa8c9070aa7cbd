import { db, transaction } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import type { CallRecorder } from '#lib/integrations/record.ts';

/** What stays the same is written no more often: a busy process asks a hundred times a second. */
const EVERY_MS = 30_000;

interface Noted {
	isAway: boolean;
	at: number;
}
/** What this process has written last, by vendor. */
const noted = new Map<string, Noted>();

/** A recorder that notes besides whether the vendor answers, for all processes: reading calls count too. */
export function watched(vendor: string, record: CallRecorder): CallRecorder {
	return async (call, send) => {
		try {
			const answer = await record(call, send);
			await note(vendor, false);
			return answer;
		} catch (error) {
			// A refusal is an answer.
			if (error instanceof VendorError) await note(vendor, error.isAway);
			throw error;
		}
	};
}

export interface VendorState {
	/** By the machines' clock, give or take half a minute; null when it never answered. */
	answeredAt: Date | null;
	/** Null while it answers. */
	failingSince: Date | null;
}

/** Whether a vendor answers; null when nobody has asked it yet. */
export function vendorState(vendor: string): Promise<VendorState | null> {
	return db.vendorState.findUnique({
		where: { vendor },
		select: { answeredAt: true, failingSince: true }
	});
}

async function note(vendor: string, isAway: boolean): Promise<void> {
	const before = noted.get(vendor);
	const at = Date.now();
	if (before?.isAway === isAway && at - before.at < EVERY_MS) return;
	noted.set(vendor, { isAway, at });
	try {
		await transaction(async (tx) => {
			const [row] = await tx.$queryRaw<{ changed: boolean }[]>`
				WITH before AS (SELECT failing_since FROM vendor_states WHERE vendor = ${vendor})
				INSERT INTO vendor_states AS state (vendor, answered_at, failing_since)
				VALUES (${vendor}, CASE WHEN ${isAway} THEN NULL ELSE clock_timestamp() END,
					CASE WHEN ${isAway} THEN clock_timestamp() END)
				ON CONFLICT (vendor) DO UPDATE SET
					answered_at = coalesce(excluded.answered_at, state.answered_at),
					failing_since = CASE WHEN ${isAway} THEN coalesce(state.failing_since, excluded.failing_since) END
				RETURNING (SELECT failing_since FROM before) IS NOT NULL <> ${isAway} AS changed`;
			if (row?.changed) await publish(tx, 'staff:vendors');
		});
	} catch (error) {
		// The call itself is what its caller asked for.
		log.warn({ err: error, vendor }, 'whether a vendor answers could not be noted');
	}
}
