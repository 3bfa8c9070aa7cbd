import type { Tx } from '#lib/core/db.server.ts';
import { transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { ContainerAct, Prisma } from '#prisma/generated/client.ts';
import { wishSchema, type Wish } from './actForms.ts';
import { begunSchema, type Begun } from './actSteps.ts';

/** An act that a worker has taken. */
export interface Taken {
	id: string;
	containerId: string;
	wish: Wish;
	/** Which taking this is: a write of an earlier one changes nothing. */
	attempt: number;
	begun: Begun | null;
	taskUpid: string | null;
	startedAt: Date;
}

/** Another worker has the act, or it has ended: this one writes nothing more. */
export class ActLost extends Error {
	override name = 'ActLost';
}

export function wishOf({ act, params }: Pick<ContainerAct, 'act' | 'params'>): Wish {
	const rest = typeof params === 'object' && params !== null ? params : {};
	return wishSchema.parse({ ...rest, act });
}

export function begunOf({ begun }: Pick<ContainerAct, 'begun'>): Begun | null {
	return begun === null ? null : begunSchema.parse(begun);
}

/** Writes about an act that this worker has. @throws {ActLost} */
export async function writeAct(
	act: Taken,
	data: Prisma.ContainerActUpdateManyMutationInput,
	more?: (tx: Tx) => Promise<void>
): Promise<void> {
	await transaction(async (tx) => {
		const { count } = await tx.containerAct.updateMany({
			where: { id: act.id, attempts: act.attempt, status: 'running' },
			data
		});
		if (count === 0) throw new ActLost(`act ${act.id} is another worker's, or has ended`);
		await more?.(tx);
		await announce(tx, act.containerId);
	});
}

/** Remembers what is begun, before it is asked for. */
export async function writeBegun(act: Taken, begun: Begun, taskUpid: string | null): Promise<void> {
	await writeAct(act, { begun: { ...begun }, taskUpid, error: null });
	act.begun = begun;
	act.taskUpid = taskUpid;
}

/** Tells the pages that show a container. */
export async function announce(tx: Tx, containerId: string): Promise<void> {
	await publish(tx, ['staff:containers', `container:${containerId}`], containerId);
}
