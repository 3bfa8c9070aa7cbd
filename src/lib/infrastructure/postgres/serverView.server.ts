import type { Tx } from '#lib/core/db.server.ts';
import type { ContainerPurpose, ContainerStatus } from '#prisma/generated/enums.ts';

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
	const { createdByJobId, retiring } = await tx.container.findUniqueOrThrow({
		where: { id },
		select: { createdByJobId: true, retiring: true }
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
		may: {
			retry: hasFailed,
			giveUp: hasFailed,
			remove: isOver && status !== 'deleted' && served.length === 0
		}
	};
}

export type ServerView = NonNullable<Awaited<ReturnType<typeof serverView>>>;
