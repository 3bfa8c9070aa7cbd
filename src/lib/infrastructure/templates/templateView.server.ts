import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { proxmoxOn } from '../nodes/clients.server.ts';
import { hasServer, mayBe } from './templates.server.ts';

const LINES = 400;
/** A page waits no longer than this for a node. */
const LOOK_MS = 3_000;

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
		/** It has no PostgreSQL, and no server of databases is ready for what would be copied from it. */
		lacksServer: kind === 'odoo_only' && !isServed,
		may: {
			...mayBe(template, isServed),
			retry: run?.status === 'failed',
			giveUp: run?.status === 'failed'
		}
	};
}

export type TemplateView = Awaited<ReturnType<typeof templateView>>;

/** Images of Debian 12 that a node has, newest first; null when it does not answer. */
export async function debianImages(node: { id: string; name: string }): Promise<string[] | null> {
	const { name } = node;
	try {
		const client = await proxmoxOn(node.id, {}, LOOK_MS);
		const storages = await client.storages(name, 'vztmpl');
		const contents = await Promise.all(
			storages
				.filter(({ active }) => active)
				.map(({ storage }) => client.storageContent(name, storage, { content: 'vztmpl' }))
		);
		return contents
			.flat()
			.map(({ volid }) => volid)
			.filter((volid) => /:vztmpl\/debian-12-/.test(volid))
			.sort()
			.reverse();
	} catch (error) {
		if (error instanceof VendorError) return null;
		throw error;
	}
}
