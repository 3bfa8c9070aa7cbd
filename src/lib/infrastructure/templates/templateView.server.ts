import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { awaitingCopy, hasServer, mayBe } from './templates.server.ts';

const LINES = 400;

/** A template with its build: steps, and the end of what was said. @throws {AppError} NOT_FOUND */
export async function templateView(tx: Tx, id: string) {
	const template = z.uuid().safeParse(id).success
		? await tx.template.findUnique({
				where: { id },
				include: {
					cluster: { select: { name: true } },
					container: { include: { node: { select: { id: true, name: true } } } }
				}
			})
		: null;
	if (!template) throw new AppError('NOT_FOUND');
	const { jobId, clusterId, kind } = template;
	const isServed = await hasServer(tx, clusterId);
	// The current one is not retired, whoever waits for it.
	const awaiting = template.current ? [] : await awaitingCopy(tx, template);
	const run = jobId
		? await tx.provisioningJob.findUnique({
				where: { id: jobId },
				include: { steps: { orderBy: { position: 'asc' } } }
			})
		: null;
	const lines = jobId
		? await tx.logEntry.findMany({
				where: { jobId },
				orderBy: [{ at: 'desc' }, { id: 'desc' }],
				take: LINES,
				select: { id: true, at: true, level: true, message: true, stepName: true }
			})
		: [];
	return {
		template,
		run: run && { status: run.status, startedAt: run.startedAt, finishedAt: run.finishedAt },
		steps: run?.steps ?? [],
		lines: lines.reverse(),
		/** It has no PostgreSQL, and no server of databases is ready and has connections left for what would be copied from it. */
		lacksServer: kind === 'odoo_only' && !isServed,
		/** Containers that are still to be copied from it, and from no other: until then it is not retired. */
		awaiting,
		may: {
			...mayBe(template, { isServed, awaiting }),
			retry: run?.status === 'failed',
			giveUp: run?.status === 'failed'
		}
	};
}

export type TemplateView = Awaited<ReturnType<typeof templateView>>;
