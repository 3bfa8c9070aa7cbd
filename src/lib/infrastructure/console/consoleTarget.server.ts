import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { log } from '#lib/core/log.server.ts';
import { ProxmoxError, type ProxmoxErrorKind } from '#lib/integrations/proxmox/errors.ts';
import { SshError, type SshErrorKind } from '#lib/integrations/ssh/errors.ts';
import type { RemoteTerminal, TerminalListener, TerminalSize } from '#lib/integrations/terminal.ts';
import { proxmoxOn, recorderOf } from '../nodes/clients.server.ts';
import { takesTokens } from '../nodes/discovery.ts';
import { sshAlone } from '../nodes/sshPool.server.ts';
import type { ConsoleEnd } from './consoleEnds.ts';
import type { ConsoleWay } from './consoleProtocol.ts';

/** Why no terminal opened. */
export class ConsoleRefused extends Error {
	readonly end: ConsoleEnd;

	constructor(end: ConsoleEnd, cause?: unknown) {
		super(end, { cause });
		this.end = end;
	}
}

/** Whether this process holds the SSH key: only those that work jobs do. */
export function hasSsh(): boolean {
	return env.ROLE !== 'web' && env.SSH_KEY_PATH !== undefined;
}

/**
 * Opens the terminal of a container: the node's own, or `pct enter` over SSH where the node is too old for tokens.
 * @param ssh whether this process holds the SSH key
 * @param size asked when it is needed: the browser may have said it meanwhile
 * @throws {ConsoleRefused}
 */
export async function openTerminal(
	containerId: string,
	ssh: boolean,
	size: () => TerminalSize,
	listener: TerminalListener
): Promise<{ terminal: RemoteTerminal; via: ConsoleWay }> {
	const container = await db.container.findFirst({
		where: { id: containerId, deletedAt: null },
		select: { vmid: true, node: { select: { id: true, name: true, proxmoxVersion: true } } }
	});
	if (!container) throw new ConsoleRefused('not_found');
	const { vmid, node } = container;
	try {
		if (takesTokens(node.proxmoxVersion)) {
			const client = await proxmoxOn(node.id, { subjectId: containerId });
			try {
				return {
					terminal: await client.terminal(node.name, vmid, size, listener),
					via: 'termproxy'
				};
			} catch (error) {
				if (!isTooOld(error)) throw error;
			}
		}
		if (!ssh) throw new ConsoleRefused('needs_worker');
		return { terminal: await enter(node.id, vmid, containerId, size, listener), via: 'pct' };
	} catch (error) {
		throw refusalOf(error);
	}
}

/** The node opened a terminal and then did not take the ticket that it had given us for it. */
function isTooOld(error: unknown): boolean {
	return (
		error instanceof ProxmoxError &&
		error.operation === 'lxc.vncwebsocket' &&
		error.kind === 'refused'
	);
}

async function enter(
	nodeId: string,
	vmid: number,
	subjectId: string,
	size: () => TerminalSize,
	listener: TerminalListener
): Promise<RemoteTerminal> {
	// The host's environment is none of the guest's business; old releases of pct have no option for that.
	const argv = ['env', '-i', ...ENVIRONMENT, 'pct', 'enter', String(vmid)];
	const call = { vendor: 'ssh', operation: 'pct.enter', request: { argv }, changes: true };
	const client = await sshAlone(nodeId);
	const closing: TerminalListener = {
		...listener,
		onEnd: (how) => {
			void client.close();
			listener.onEnd(how);
		}
	};
	let terminal: RemoteTerminal;
	try {
		terminal = await recorderOf({ subjectId })(call, () => client.shell(argv, size, closing));
	} catch (error) {
		await client.close();
		throw error;
	}
	return {
		write: (data) => terminal.write(data),
		resize: (to) => terminal.resize(to),
		pause: () => terminal.pause(),
		resume: () => terminal.resume(),
		close: () => {
			terminal.close();
			void client.close();
		}
	};
}

const ENVIRONMENT = [
	'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
	'TERM=xterm-256color',
	'LANG=C.UTF-8',
	'HOME=/root'
];

const ENDS: Partial<Record<ProxmoxErrorKind | SshErrorKind, ConsoleEnd>> = {
	unreachable: 'unreachable',
	node_unreachable: 'unreachable',
	lost: 'unreachable',
	timeout: 'unreachable',
	untrusted: 'untrusted',
	unauthorized: 'unauthorized',
	forbidden: 'unauthorized',
	not_found: 'not_found',
	not_here: 'not_found',
	not_running: 'not_running'
};

function refusalOf(error: unknown): ConsoleRefused {
	if (error instanceof ConsoleRefused) return error;
	if (error instanceof ProxmoxError || error instanceof SshError) {
		const end = /not running/i.test(error.message) ? 'not_running' : ENDS[error.kind];
		if (end) return new ConsoleRefused(end, error);
	}
	log.error({ err: error }, 'a console could not be opened');
	return new ConsoleRefused('failed', error);
}
