import type { ServerChannel, Session } from 'ssh2';
import type { Cluster } from '../proxmox/cluster.ts';
import { Terminal } from '../proxmox/terminal.ts';
import { parse } from './shell.ts';

/** The terminal that a session asked for, if it did. */
export interface Pty {
	cols: number;
	rows: number;
	/** Told of every new size. */
	resized: ((cols: number, rows: number) => void) | null;
}

/** Grants a session a terminal. @returns what it asked for, null until it does */
export function terminalOf(session: Session): () => Pty | null {
	let pty: Pty | null = null;
	session.on('pty', (accept, _reject, { cols, rows }) => {
		pty = { cols, rows, resized: null };
		accept?.();
	});
	session.on('window-change', (accept, _reject, { cols, rows }) => {
		if (pty) Object.assign(pty, { cols, rows });
		pty?.resized?.(cols, rows);
		accept?.();
	});
	return () => pty;
}

/** The VMID of `pct enter`, whatever `env` stands before it; null for every other command. */
export function enters(command: string): string | null {
	const [first] = parse(command).commands;
	const words = [...(first?.command.words ?? [])];
	if (words[0] === 'env') {
		words.shift();
		while (words[0] !== undefined && /^(-i|[A-Za-z_]\w*=.*)$/.test(words[0])) words.shift();
	}
	return words[0] === 'pct' && words[1] === 'enter' ? (words[2] ?? null) : null;
}

/** `pct enter` on a terminal: a root shell inside, until it exits, the client goes or the node does. */
export function enter(
	cluster: Cluster,
	node: string,
	vmid: string,
	pty: Pty,
	channel: ServerChannel
): void {
	const container = cluster.state.containers[vmid];
	const refuse = (code: number, text: string) => {
		channel.write(`${text}\r\n`);
		channel.exit(code);
		channel.end();
	};
	if (!container || container.node !== node)
		return refuse(2, `Configuration file 'nodes/${node}/lxc/${vmid}.conf' does not exist`);
	if (container.status !== 'running') return refuse(255, `container '${vmid}' not running!`);
	const screen = {
		write: (chunk: Buffer) => !channel.writable || channel.write(chunk),
		close: (code: number) => {
			channel.exit(code);
			channel.end();
		}
	};
	const terminal = new Terminal(String(container.config.hostname ?? vmid), screen, '');
	terminal.resize(pty.cols, pty.rows);
	pty.resized = (cols, rows) => terminal.resize(cols, rows);
	channel.on('data', (chunk: Buffer) => terminal.type(chunk));
	channel.on('drain', () => terminal.more());
	channel.on('close', () => terminal.end());
	channel.on('error', () => terminal.end());
	const at = cluster.kernel.clock.nowMs();
	cluster.kernel.calls.add({ at, vendor: 'ssh', line: `pct enter ${vmid}`, status: 0, ms: 0 });
}
