import { setTimeout as sleep } from 'node:timers/promises';
import type { ProvisioningStep } from '#prisma/generated/client.ts';
import { now, SECOND } from './clock.server.ts';
import { ClaimLost, runOf, wakeSaga, type AnySaga, type Step } from './saga.server.ts';
import { contextOf, LONGEST_SLEEP } from './sagaContext.server.ts';
import { attemptsOf, backoffSeconds, busyWait } from './sagaPatience.ts';
import {
	wordsOf,
	writeClaimed,
	writeRunLog,
	writeStep,
	type ClaimedRun
} from './sagaStore.server.ts';

/** From here on the run is undone. */
export async function startCompensation(
	run: ClaimedRun,
	saga: AnySaga,
	reason: string
): Promise<void> {
	await writeClaimed(run, { status: 'compensating', reason }, async (tx) => {
		await saga.onCompensating?.(tx, runOf(run), reason);
		await wakeSaga(tx, run.id);
	});
}

/** Undoes the steps that were begun, last first, each on its own: one that cannot be undone stops no other. */
export async function compensate(
	run: ClaimedRun,
	saga: AnySaga,
	signal: AbortSignal
): Promise<void> {
	for (const [position, step] of [...saga.steps.entries()].reverse()) {
		const row = run.steps[position]!;
		if (row.status === 'pending' || row.status === 'skipped' || row.status === 'undone') continue;
		if (await undo(run, saga, step, row, signal)) await writeStep(run, row, { status: 'undone' });
	}
	await writeClaimed(run, { status: 'compensated', finishedAt: now() }, async (tx) => {
		await saga.onCompensated?.(tx, runOf(run));
	});
}

async function undo(
	run: ClaimedRun,
	saga: AnySaga,
	step: Step<object>,
	row: ProvisioningStep,
	signal: AbortSignal
): Promise<boolean> {
	if (!step.undo) return true;
	for (let tries = 1; ; tries++) {
		signal.throwIfAborted();
		try {
			await step.undo(contextOf(run, step, row, signal));
			return true;
		} catch (error) {
			if (error instanceof ClaimLost || signal.aborted) throw error;
			const busy = busyWait(error);
			if (busy) {
				tries -= 1;
				await sleep(Math.min(busy.wait, LONGEST_SLEEP) * SECOND, undefined, { signal });
				continue;
			}
			const message = wordsOf(error);
			await writeRunLog(run, step.name, 'warning', `undo: ${message}`);
			if (tries >= attemptsOf(step, error)) {
				await writeClaimed(run, {}, async (tx) => {
					await saga.onUndoFailed?.(tx, runOf(run), { step: step.name, message });
				});
				return false;
			}
			await sleep(backoffSeconds(tries) * SECOND, undefined, { signal });
		}
	}
}
