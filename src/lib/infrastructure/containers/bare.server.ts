import { AppError } from '#lib/core/errors.ts';
import type { StepContext, StepResult, StepWait } from '#lib/core/saga.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import { isDown, proxmoxOn, readTakenVmids } from '../nodes/clients.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';
import { anotherVmid } from '../placement/placement.server.ts';
import { waitFor, type BareState } from './bareState.ts';
import { look, type Target } from './guests.server.ts';
import { TAG, writeMark } from './marks.ts';
import { isOurs, type Seen } from './reconcile.ts';
import { follow } from './tasks.server.ts';

export type BareContext = StepContext<BareState>;

/** Times that are only long when something is wrong; tests shorten them. */
export const patience = {
	/** How long a run waits for a node that is down, or a container without a network. */
	waitMs: 2 * 3600_000,
	/** Between two looks at a container that boots, or at a node that is down. */
	bootSeconds: 2,
	downSeconds: 15
};
/** Changes after which this leads nowhere. */
export const MOST_CHANGES = 20;

/**
 * A clean Debian under the reserved VMID: unprivileged, with our mark, its address and its limits. Looks before each
 * change, so that it may run any number of times.
 * @param image Proxmox's volume id of Debian 12's image
 */
export async function madeBare(
	context: BareContext,
	load: () => Promise<Target>,
	{ image, onboot }: { image: string; onboot: boolean }
): Promise<StepResult> {
	for (let changes = 0; changes < MOST_CHANGES; changes++) {
		const target = await load();
		const proxmox = await proxmoxOn(target.nodeId, context.trace);
		if (target.taskUpid && !(await follow(context, proxmox, target.id, target.taskUpid)))
			return waitFor('task_running', 15, target);
		const seen = await look(proxmox, target);
		if (!seen) await create(context, proxmox, target, { image, onboot });
		else if (isOurs(seen, target.id) && !seen.lock) {
			const params = { node: seen.node, vmid: target.vmid };
			return { message: { code: 'created', params } };
		} else if (isOurs(seen, target.id) || (await isBeingMade(context, proxmox, target, seen))) {
			await context.sleep(1);
			if (changes > MOST_CHANGES / 2) return waitFor('being_created', 15, target);
		} else await giveUpVmid(context, target);
	}
	throw stuck('create');
}

async function create(
	context: BareContext,
	proxmox: ProxmoxClient,
	target: Target,
	{ image, onboot }: { image: string; onboot: boolean }
): Promise<void> {
	const { wanted, vmid, nodeName } = target;
	const net: Record<string, string> = {
		...{ name: 'eth0', bridge: wanted.bridge, ip: wanted.address, gw: wanted.gateway },
		...(wanted.vlan === null ? {} : { tag: String(wanted.vlan) }),
		type: 'veth'
	};
	await context.save({ askedVmid: vmid });
	try {
		const upid = await proxmox.create(nodeName, {
			vmid,
			ostemplate: image,
			hostname: wanted.hostname,
			cores: wanted.cpuCores,
			memory: wanted.ramMb,
			swap: 512,
			rootfs: `${target.rootfsStorage}:${wanted.diskGb}`,
			net0: Object.entries(net)
				.map(([key, value]) => `${key}=${value}`)
				.join(','),
			// For the sandboxing of systemd's services; copies take it over.
			features: 'nesting=1',
			unprivileged: true,
			onboot,
			tags: TAG,
			description: writeMark(wanted)
		});
		await context.write((tx) =>
			tx.container.update({ where: { id: target.id }, data: { taskUpid: upid } })
		);
		await follow(context, proxmox, target.id, upid);
	} catch (error) {
		// The look tells whose it is.
		if (error instanceof ProxmoxError && error.kind === 'exists') return;
		throw error;
	}
}

/**
 * Proxmox writes the description, and our mark with it, when the container is whole. What is being made under a VMID
 * for which we asked is ours when a task says so; what nobody makes any more is left to whoever it is.
 */
async function isBeingMade(
	context: BareContext,
	proxmox: ProxmoxClient,
	{ vmid }: Target,
	seen: Seen | 'foreign'
): Promise<boolean> {
	if (seen === 'foreign' || seen.lock !== 'create' || context.state.askedVmid !== vmid)
		return false;
	const tasks = await proxmox.tasks(seen.node, { source: 'active', typefilter: 'vzcreate', vmid });
	return tasks.some(({ endtime }) => endtime === undefined);
}

async function giveUpVmid(context: BareContext, target: Target): Promise<void> {
	const taken = await readTakenVmids(context.trace);
	const vmid = await context.write((tx) => anotherVmid(tx, target.id, taken));
	await context.log('warning', `VMID ${target.vmid} is somebody else's; taking ${vmid}`);
}

/** It runs, and what is inside reaches the network. */
export async function startedBare(context: BareContext, target: Target): Promise<StepResult> {
	const wait = await started(context, target);
	if (wait) return wait;
	const shared = await sshOn(target.nodeId);
	try {
		const { code } = await shared.client.pctExec(
			target.vmid,
			['getent', 'hosts', 'deb.debian.org'],
			{ call: null, changes: false, timeoutMs: 20_000 }
		);
		if (code !== 0) return waitFor('booting', patience.bootSeconds, target);
	} finally {
		shared.release();
	}
	return { message: { code: 'started', params: { node: target.nodeName, vmid: target.vmid } } };
}

/** Starts the container when it does not run: also before each step inside, because a node may have gone down meanwhile. */
export async function started(context: BareContext, target: Target): Promise<StepWait | null> {
	const proxmox = await proxmoxOn(target.nodeId, context.trace);
	for (let changes = 0; changes < MOST_CHANGES; changes++) {
		const seen = await ours(proxmox, target);
		if (seen.lock) await context.sleep(1);
		else if (seen.running) return null;
		else if (!(await ended(context, proxmox, target, () => proxmox.start(seen.node, target.vmid))))
			return waitFor('task_running', 5, target);
	}
	throw stuck('start');
}

/** Begins a task and waits for its end. @returns false when it still runs */
export async function ended(
	context: BareContext,
	proxmox: ProxmoxClient,
	target: Target,
	begin: () => Promise<string>
): Promise<boolean> {
	try {
		const upid = await begin();
		await context.write((tx) =>
			tx.container.update({ where: { id: target.id }, data: { taskUpid: upid } })
		);
		return await follow(context, proxmox, target.id, upid);
	} catch (error) {
		// An answer was lost and it is so already: the look tells.
		const overtaken =
			error instanceof ProxmoxError && /already running|not running/i.test(error.message);
		if (!overtaken) throw error;
		return true;
	}
}

export async function ours(proxmox: ProxmoxClient, target: Target): Promise<Seen> {
	const seen = await look(proxmox, target);
	if (seen && isOurs(seen, target.id)) return seen;
	throw new AppError('VENDOR_FAILED', {
		params: { vendor: 'proxmox' },
		detail: `CT ${target.vmid} is gone, or is no longer the one that this run made`
	});
}

export function stuck(what: string): ProxmoxError {
	const operation = `lxc.${what}`;
	const message = 'the container does not become what it should be';
	return new ProxmoxError({ operation, kind: 'refused', message, retryable: true });
}

/** A node that is down is waited for, and in the end given up: the look at each step is what tells that it is back. */
export async function patiently(
	context: BareContext,
	load: () => Promise<Target>,
	work: () => Promise<StepResult>
): Promise<StepResult> {
	let result: StepResult;
	try {
		result = await work();
	} catch (error) {
		const unreachable = error instanceof SshError && error.kind === 'unreachable';
		if (!unreachable && !isDown(error)) throw error;
		result = waitFor('node_offline', patience.downSeconds, await load());
	}
	const waits = typeof result === 'object' && 'wait' in result;
	const { waitingSince } = context.state;
	if (!waits) {
		if (waitingSince !== undefined) await context.save({ waitingSince: undefined });
	} else if (waitingSince === undefined) await context.save({ waitingSince: Date.now() });
	else if (Date.now() - waitingSince > patience.waitMs)
		throw new AppError('VENDOR_FAILED', {
			params: { vendor: 'proxmox' },
			detail: 'it waited for too long'
		});
	return result;
}
