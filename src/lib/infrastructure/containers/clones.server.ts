import { db } from '#lib/core/db.server.ts';
import { nextNotice } from '#lib/core/listen.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { endTurn, keepTurn, NEAR, takeTurn, turnTopic } from './cloneQueue.server.ts';
import { findTemplate, isCopying, look, type Target } from './guests.server.ts';
import { writeMark } from './marks.ts';
import { waiting, type ContainerProgress, type Run } from './progress.ts';
import { isOurs } from './reconcile.ts';
import { follow, taskOf } from './tasks.server.ts';

/**
 * Seconds that a waiter far from its turn sleeps for each one ahead, and at least: whoever ends its turn wakes those who
 * come near, so that this is for the case that nobody did.
 */
const SLEEP = { each: 4, least: 20 };
const LOOKS_IN_QUEUE = 25;

/** Copies the template when it is this container's turn. @returns null when it is to look again */
export async function copyTemplate(
	run: Run,
	proxmox: ProxmoxClient,
	target: Target
): Promise<ContainerProgress | null> {
	const template = await findTemplate(proxmox, target);
	if (!template) return waiting('template_offline', 15, target);
	const turn = {
		containerId: target.id,
		clusterId: target.clusterId,
		templateVmid: template.vmid,
		jobId: run.jobId
	};
	for (let looks = 0; ; looks++) {
		// A turn that ends after the look is heard.
		const ended = nextNotice(turnTopic(turn));
		try {
			const ahead = await takeTurn(turn);
			if (ahead === 0) break;
			if (ahead > NEAR) {
				return waiting('clone_queue', Math.max(SLEEP.least, ahead * SLEEP.each), target);
			}
			if (looks === LOOKS_IN_QUEUE) return waiting('clone_queue', 1, target);
			await ended.wait({ listening: 2, deaf: 0.25 }, run.signal);
		} finally {
			ended.stop();
		}
	}
	try {
		// Before the call: what is in a copy whose answer was lost is known as well.
		await run.write((tx) =>
			tx.container.update({ where: { id: target.id }, data: { templateId: template.id } })
		);
		const upid = await proxmox.clone(template.node, template.vmid, {
			newid: target.vmid,
			hostname: target.wanted.hostname,
			// There from the first moment, so that a copy whose answer was lost is known as ours.
			description: writeMark(target.wanted),
			full: true,
			storage: target.rootfsStorage,
			...(template.node === target.nodeName ? {} : { target: target.nodeName })
		});
		await run.write((tx) =>
			tx.container.update({ where: { id: target.id }, data: { taskUpid: upid } })
		);
		if (!(await follow(run, proxmox, target.id, upid))) return waiting('task_running', 5, target);
		await run.write((tx) => endTurn(tx, target.id));
		return null;
	} catch (error) {
		// Somebody outside the queue copies the same template, or a worker that died left its copy running.
		if (error instanceof ProxmoxError && error.locked) return waiting('clone_queue', 1, target);
		// The look tells whose it is.
		if (error instanceof ProxmoxError && error.kind === 'exists') return null;
		// What may have taken effect keeps the turn until the next look; the rest makes room for others.
		const mayHaveStarted = error instanceof ProxmoxError && error.ambiguous;
		if (!mayHaveStarted) await run.write((tx) => endTurn(tx, target.id));
		throw error;
	}
}

/**
 * Waits for the copy that holds the container. One that nobody makes any more, because its node lost power, is removed.
 * @returns null when it is to look again
 */
export async function waitForCopy(
	run: Run,
	proxmox: ProxmoxClient,
	target: Target,
	node: string
): Promise<ContainerProgress | null> {
	await keepTurn(db, target.id);
	if (target.taskUpid) {
		if (!(await follow(run, proxmox, target.id, target.taskUpid))) {
			return waiting('task_running', 5, target);
		}
	}
	const template = await findTemplate(proxmox, target);
	if (await isCopying(proxmox, null, [node, ...(template ? [template.node] : [])])) {
		await run.sleep(0.5);
		return null;
	}
	// The copy may have ended between the two looks.
	await run.sleep(1);
	const again = await look(proxmox, { nodeName: node, vmid: target.vmid });
	if (!again || !isOurs(again, target.id) || again.lock !== 'create') return null;
	await run.log('warning', `CT ${target.vmid} was left half copied; removing it`);
	await taskOf(
		proxmox,
		await proxmox.destroy(again.node, target.vmid, { force: true }),
		run.signal
	);
	return null;
}
