import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type { Template } from '#prisma/generated/client.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import { poolsChanged } from '../pools/poolNotice.server.ts';
import { readyServers } from '../postgres/servers.server.ts';
import { useForNew } from './currentTemplate.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.delete-template': { templateId: string };
	}
}

/**
 * Staff choose what new containers are copied from; those that are there stay as they are.
 * @throws {AppError} WRONG_STATE unless it is ready and has its own PostgreSQL, or a server of databases is ready
 */
export async function makeCurrent(tx: Tx, templateId: string, by: Actor): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	const template = await found(tx, templateId);
	if (template.current) return;
	if (!mayBe(template, await hasServer(tx, template.clusterId)).current)
		throw wrong(template, 'current');
	const before = await tx.template.findFirst({
		where: { clusterId: template.clusterId, current: true },
		select: { id: true, odooVersion: true }
	});
	await useForNew(tx, templateId);
	// What was made ahead from the one before is replaced.
	await poolsChanged(tx);
	await note(tx, template, by, 'template-current', { before, odooVersion: template.odooVersion });
}

/** Takes one that is not current out of use; nothing of it is touched. @throws {AppError} WRONG_STATE */
export async function retire(tx: Tx, templateId: string, by: Actor): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	const template = await found(tx, templateId);
	if (template.current || template.status !== 'ready') throw wrong(template, 'retired');
	await tx.template.update({
		where: { id: templateId },
		data: { status: 'retired', retiredAt: now() }
	});
	await note(tx, template, by, 'template-retire', {});
}

/**
 * Asks for a retired template that we built to be destroyed. @throws {AppError} WRONG_STATE for any other: what was
 * there before us bears no mark of ours
 */
export async function requestDeletion(tx: Tx, templateId: string, by: Actor): Promise<void> {
	const template = await found(tx, templateId);
	if (template.status !== 'retired' || !template.jobId) throw wrong(template, 'deleted');
	await tx.template.update({ where: { id: templateId }, data: { error: null } });
	await enqueue(tx, 'infrastructure.delete-template', { templateId }, { key: templateId });
	await note(tx, template, by, 'template-delete', {});
}

function found(tx: Tx, id: string): Promise<Template> {
	return tx.template.findUnique({ where: { id } }).then((template) => {
		if (!template) throw new AppError('NOT_FOUND');
		return template;
	});
}

function wrong({ status }: Template, to: string): AppError {
	return new AppError('WRONG_STATE', { params: { from: status, to } });
}

async function note(
	tx: Tx,
	{ id, clusterId, containerId }: Template,
	by: Actor,
	verb: string,
	after: object
): Promise<void> {
	await audit(tx, {
		actor: by,
		action: `infrastructure.${verb}`,
		subject: { type: 'template', id },
		after: { clusterId, containerId, ...after }
	});
	await publish(tx, 'staff:templates', id);
	await publish(tx, `template:${id}`);
}

/** Whether a server of databases is ready for what is copied from a template without PostgreSQL. */
export async function hasServer(tx: Tx, clusterId: string): Promise<boolean> {
	return (await readyServers(tx, clusterId)).length > 0;
}

/**
 * Whether a person may do it now: what the page offers and the verbs above refuse otherwise.
 * @param hasServer whether a server of databases is ready
 */
export function mayBe({ status, kind, current, jobId }: Template, hasServer: boolean) {
	return {
		current: status === 'ready' && (kind === 'all_in_one' || hasServer) && !current,
		retired: status === 'ready' && !current,
		deleted: status === 'retired' && jobId !== null
	};
}
