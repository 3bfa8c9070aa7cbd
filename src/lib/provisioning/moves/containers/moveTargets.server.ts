import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Verdict } from '#lib/infrastructure/placement/placement.ts';
import { judgeTargets } from '#lib/infrastructure/moving/reservation.server.ts';
import { drainablesOf } from '../drains/drainContainers.server.ts';
import type { Drainable } from '../drains/drainPlan.ts';
import { moveRefusalNow } from './moveRefusals.server.ts';
import { moveRefusalSentence } from '../moveWords.ts';

/** A container that might be moved, what speaks against it at all, and what for and against each other node of its cluster. */
export interface MoveTargets {
	subject: Drainable;
	/** A sentence; null: it can be moved now. */
	refusal: string | null;
	targets: MoveTarget[];
}

export interface MoveTarget extends Pick<Verdict, 'candidate' | 'fits' | 'reasons'> {
	/** How many that were made ahead for others have to go for it; null: it fits as it is, or not at all. */
	yields: number | null;
}

/** @throws {AppError} NOT_FOUND */
export async function targetsOf(tx: Tx, containerId: string): Promise<MoveTargets> {
	const container = await tx.container.findUnique({ where: { id: containerId } });
	const [subject] = await drainablesOf(tx, { id: containerId });
	if (!container || !subject) throw new AppError('NOT_FOUND');
	const refusal = await moveRefusalNow(tx, container);
	return {
		subject,
		refusal: refusal && moveRefusalSentence(refusal),
		targets: (await judgeTargets(tx, container)).map(({ verdict, yields }) => {
			const { candidate, fits, reasons } = verdict;
			return { candidate, fits, reasons, yields: yields && yields.length };
		})
	};
}
