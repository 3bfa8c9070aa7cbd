import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type { Template } from '#prisma/generated/client.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import { poolsChanged } from '../pools/poolNotice.server.ts';
import { connectionsOfOdoo } from '../postgres/connections.ts';
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
	const isServed = await hasServer(tx, template.clusterId);
	if (!mayBe(template, { isServed, awaiting: [] }).current) throw wrong(template, 'current');
	const before = await tx.template.findFirst({
		where: { clusterId: template.clusterId, current: true },
		select: { id: true, odooVersion: true }
	});
	await useForNew(tx, templateId);
	// What was made ahead from the one before is replaced.
	await poolsChanged(tx);
	await note(tx, template, by, 'template-current', { before, odooVersion: template.odooVersion });
}

/**
 * Takes one that is not current out of use; nothing of it is touched.
 * @throws {AppError} WRONG_STATE; STILL_ALIVE while containers wait to be copied from it, and there is no other for them
 */
export async function retire(tx: Tx, templateId: string, by: Actor): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	const template = await found(tx, templateId);
	if (template.current || template.status !== 'ready') throw wrong(template, 'retired');
	const awaiting = await awaitingCopy(tx, template);
	if (awaiting.length > 0)
		throw new AppError('STILL_ALIVE', {
			params: { what: m.template_awaited({ names: awaiting.join(', ') }) }
		});
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

/** Whether a server of databases is ready, and has connections left, for what is copied from a template without PostgreSQL. */
export async function hasServer(tx: Tx, clusterId: string): Promise<boolean> {
	const least = connectionsOfOdoo({ cpuCores: 1, ramMb: 0 });
	return (await readyServers(tx, clusterId)).some(({ free }) => free >= least);
}

/** More than so many names are none for a sentence. */
const NAMED = 10;

/**
 * Containers that were promised of this template's version and kind, are not made yet, and would find no other template,
 * as `CT 201 acme`, the first of them; see `findTemplate`.
 */
export async function awaitingCopy(
	tx: Tx,
	{ id, clusterId, odooVersion, kind, status }: Template
): Promise<string[]> {
	if (status !== 'ready') return [];
	const alike = { clusterId, odooVersion, kind, status } as const;
	if ((await tx.template.count({ where: { ...alike, id: { not: id } } })) > 0) return [];
	const rows = await tx.container.findMany({
		where: {
			...{ clusterId, odooVersion, status: 'provisioning', retiring: false },
			purpose: { in: ['odoo', 'shared'] },
			postgresContainerId: kind === 'odoo_only' ? { not: null } : null
		},
		select: { vmid: true, hostname: true },
		orderBy: { vmid: 'asc' },
		take: NAMED
	});
	return rows.map(({ vmid, hostname }) => `CT ${vmid} ${hostname}`);
}

/**
 * Whether a person may do it now: what the page offers and the verbs above refuse otherwise.
 * @param isServed whether a server of databases is ready
 * @param awaiting containers that are still to be copied from it
 */
export function mayBe(
	{ status, kind, current, jobId }: Template,
	{ isServed, awaiting }: { isServed: boolean; awaiting: string[] }
) {
	return {
		current: status === 'ready' && (kind === 'all_in_one' || isServed) && !current,
		retired: status === 'ready' && !current && awaiting.length === 0,
		deleted: status === 'retired' && jobId !== null
	};
}
