import type { Tx } from '#lib/core/db.server.ts';
import type { ContainerPurpose, ContainerStatus } from '#prisma/generated/enums.ts';
import { promisedOn } from './connections.ts';

interface Subject {
	id: string;
	purpose: ContainerPurpose;
	status: ContainerStatus;
	adopted: boolean;
	served: object[];
}

/** Of a server of databases: the run that made it, and what may be done with it; null for any other container. */
export async function serverView(tx: Tx, { id, purpose, status, adopted, served }: Subject) {
	if (purpose !== 'postgres') return null;
	const { createdByJobId, retiring, ramMb, startedRamMb, ...row } =
		await tx.container.findUniqueOrThrow({
			where: { id },
			select: {
				...{ createdByJobId: true, retiring: true, ramMb: true, startedRamMb: true },
				served: {
					where: { status: { not: 'deleted' } },
					select: { cpuCores: true, ramMb: true }
				}
			}
		});
	const run =
		createdByJobId && !adopted
			? await tx.provisioningJob.findUnique({
					where: { id: createdByJobId },
					include: { steps: { orderBy: { position: 'asc' } } }
				})
			: null;
	const isMade = run?.status === 'succeeded';
	const hasFailed = run?.status === 'failed';
	const isOver = isMade || run?.status === 'compensated';
	return {
		/** What it was made by is said until it is whole. */
		steps: run && !isMade ? run.steps : [],
		isMade,
		retiring,
		/** Of one that we made; how many another takes is not known. */
		connections: isMade
			? {
					...promisedOn(Math.min(ramMb, startedRamMb ?? ramMb), row.served),
					mostAfterRestart: promisedOn(ramMb, []).most
				}
			: null,
		may: {
			retry: hasFailed,
			giveUp: hasFailed,
			remove: isOver && status !== 'deleted' && served.length === 0
		}
	};
}

export type ServerView = NonNullable<Awaited<ReturnType<typeof serverView>>>;
