import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { NodeSSH } from 'node-ssh';
import type { ClientChannel } from 'ssh2';
import { guarded, type CallGuard, type Connection } from '../callGuard.ts';
import type { CallRecorder } from '../record.ts';
import type { RemoteTerminal, TerminalListener, TerminalSize } from '../terminal.ts';
import { SshError } from './errors.ts';
import { openChannel } from './channel.server.ts';
import { openShell } from './shell.server.ts';
import { stream, type StreamOptions } from './stream.server.ts';

export interface SshConfig {
	host: string;
	port: number;
	username: string;
	/** PEM or OpenSSH text. */
	privateKey: string;
	/** `SHA256:…`, as `ssh-keygen -l` prints it. Any other key is refused: ssh2 by itself accepts all. */
	hostKey: string;
	/** 10 seconds by default. */
	connectTimeoutMs?: number;
	/** A breaker, asked before each new connection; one that stands goes on. */
	guard?: CallGuard;
}

export interface ExecOptions {
	/** Everything that is data, above all a customer's: arguments are visible in the process list. */
	stdin?: string | Buffer;
	/** The command is stopped on the other side when this is over. 60 seconds by default. */
	timeoutMs?: number;
	/** The command changes something, so that a lost answer is ambiguous; true by default. `call` wins. */
	changes?: boolean;
	/** Hears what the command writes while it goes on, both streams as they come. */
	onOutput?: (text: string) => void;
	/** How the call is recorded; null: the caller records it. A change named `ssh.exec` by default. */
	call?: { operation: string; changes: boolean; key?: string } | null;
}

export interface ExecResult {
	code: number;
	stdout: string;
	stderr: string;
}

/** Runs a command inside one container. */
export type ContainerExec = (
	argv: string[],
	options?: Pick<ExecOptions, 'stdin' | 'timeoutMs' | 'changes'>
) => Promise<ExecResult>;

/** sshd allows ten sessions on a connection; some room is left for a person. */
const SESSIONS = 8;
const DEFAULT_TIMEOUT_MS = 60_000;
/** How much later than the other side we give up ourselves; tests shorten it. */
export const patience = { graceMs: 5_000 };
/** Exit code of coreutils' `timeout` when it had to stop the command. */
const TIMED_OUT = 124;

/** A word for any POSIX shell, whatever is in it. */
export function quote(word: string): string {
	return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Client of one node's SSH: commands only, over one connection that is made at first use and made again when it broke.
 * @throws SshError from every function; a command's own failure is its exit code, not an error
 */
export function ssh(config: SshConfig, record: CallRecorder) {
	let connection: Promise<NodeSSH> | null = null;
	let running = 0;
	const waiting: (() => void)[] = [];

	const connected = async (operation: string): Promise<NodeSSH> => {
		const before = connection;
		const known = await before?.catch(() => null);
		if (known?.isConnected()) return known;
		// Whoever comes first dials; the others wait for that connection.
		const next = connection === before || !connection ? guardedDial(config, operation) : connection;
		connection = next;
		return next;
	};

	const send = async (
		operation: string,
		changes: boolean,
		argv: string[],
		options: ExecOptions
	): Promise<ExecResult> => {
		if (running >= SESSIONS) await new Promise<void>((resolve) => waiting.push(resolve));
		running += 1;
		try {
			return await run(await connected(operation), operation, changes, argv, options);
		} finally {
			running -= 1;
			waiting.shift()?.();
		}
	};

	const exec = (argv: string[], options: ExecOptions = {}): Promise<ExecResult> => {
		const call =
			options.call === undefined
				? { operation: 'ssh.exec', changes: options.changes ?? true }
				: options.call;
		if (!call) return send('ssh.exec', options.changes ?? true, argv, options);
		const request = { argv, stdinBytes: options.stdin?.length ?? 0 };
		return record({ vendor: 'ssh', request, ...call }, () =>
			send(call.operation, call.changes, argv, options)
		);
	};

	const pctExec = async (
		vmid: number,
		argv: string[],
		options: ExecOptions = {}
	): Promise<ExecResult> => {
		// The default of --keep-env differs between releases, and the host's environment is none of the guest's business.
		const result = await exec(
			['pct', 'exec', String(vmid), '--keep-env', '0', '--', ...argv],
			options
		);
		if (result.code !== 0) refusedByPct(vmid, options.call?.operation ?? 'ssh.exec', result);
		return result;
	};

	return {
		exec,
		/** @throws SshError besides `exec`'s: `not_running`, `not_here` */
		pctExec,
		/** `pctExec` for a client that records its own calls. */
		inside:
			(vmid: number): ContainerExec =>
			(argv, options) =>
				pctExec(vmid, argv, { ...options, call: null }),
		/**
		 * Follows a command that goes on, see `stream`; it takes no part in the count of sessions, so give it a client of
		 * its own.
		 */
		follow: async (argv: string[], options: StreamOptions) =>
			stream(await connected('ssh.stream'), bounded(argv, options.timeoutMs), options),
		/** A command's bare channel, for what is too large to be held: see pipe.server.ts. It wants a client of its own. */
		open: async (argv: string[], timeoutMs: number): Promise<ClientChannel> =>
			openChannel(await connected('ssh.pipe'), bounded(argv, timeoutMs)),
		/** A command on a terminal; like `follow` it wants a client of its own. */
		shell: async (
			argv: string[],
			size: () => TerminalSize,
			listener: TerminalListener
		): Promise<RemoteTerminal> =>
			openShell(await connected('ssh.shell'), argv.map(quote).join(' '), size, listener),
		close: async (): Promise<void> => {
			const open = await connection?.catch(() => null);
			open?.dispose();
			connection = null;
		}
	};
}

export type SshClient = ReturnType<typeof ssh>;

async function guardedDial(config: SshConfig, operation: string): Promise<NodeSSH> {
	const message = await config.guard?.refusal();
	if (message) throw new SshError({ operation, kind: 'unreachable', message, retryable: true });
	return guarded(config.guard, connectionOf, () => dial(config, operation));
}

function connectionOf(error: unknown): Connection {
	const kind = error instanceof SshError ? error.kind : 'lost';
	return kind === 'unreachable' || kind === 'untrusted' ? 'unconnected' : 'answered';
}

async function dial(config: SshConfig, operation: string): Promise<NodeSSH> {
	const client = new NodeSSH();
	let untrusted = false;
	try {
		await client.connect({
			host: config.host,
			port: config.port,
			username: config.username,
			privateKey: config.privateKey,
			readyTimeout: config.connectTimeoutMs ?? 10_000,
			keepaliveInterval: 15_000,
			hostVerifier: (key: Buffer) => {
				const shown = createHash('sha256').update(key).digest('base64').replace(/=+$/, '');
				untrusted = config.hostKey.replace(/^SHA256:/, '').replace(/=+$/, '') !== shown;
				return !untrusted;
			}
		});
		// Commands are small packets in turn: each would wait for the acknowledgement of the one before.
		client.connection?.setNoDelay();
		return client;
	} catch (cause) {
		client.dispose();
		if (untrusted) {
			throw new SshError({
				operation,
				kind: 'untrusted',
				message: 'The node shows another host key than the pinned one',
				cause
			});
		}
		const text = cause instanceof Error ? cause.message : String(cause);
		if (/authentication methods failed/i.test(text)) {
			throw new SshError({
				operation,
				kind: 'unauthorized',
				message: 'The node does not accept our key',
				cause
			});
		}
		throw new SshError({
			operation,
			kind: 'unreachable',
			message: `No SSH connection: ${text.slice(0, 200)}`,
			retryable: true,
			cause
		});
	}
}

/** A command that ends by itself when nobody waits for it any more. */
function bounded(argv: string[], timeoutMs: number): string {
	return ['timeout', String(Math.ceil(timeoutMs / 1000)), ...argv].map(quote).join(' ');
}

async function run(
	client: NodeSSH,
	operation: string,
	changes: boolean,
	argv: string[],
	{ stdin, onOutput, timeoutMs = DEFAULT_TIMEOUT_MS }: ExecOptions
): Promise<ExecResult> {
	const command = bounded(argv, timeoutMs);
	let channel: ClientChannel | null = null;
	let late = false;
	const giveUp = setTimeout(() => {
		late = true;
		channel?.close();
		// A dead connection answers no close either: let it go, so that the next call makes a new one.
		client.dispose();
	}, timeoutMs + patience.graceMs);
	const outcome = { retryable: !changes, ambiguous: changes };
	const timedOut = () =>
		new SshError({
			operation,
			kind: 'timeout',
			message: `The command was stopped after ${timeoutMs} ms`,
			...outcome
		});
	try {
		const { code, stdout, stderr } = await client.execCommand(command, {
			noTrim: true,
			...(stdin === undefined ? {} : { stdin: Readable.from([Buffer.from(stdin)]) }),
			...(onOutput && {
				onStdout: (chunk) => onOutput(chunk.toString('utf8')),
				onStderr: (chunk) => onOutput(chunk.toString('utf8'))
			}),
			onChannel: (opened) => {
				channel = opened;
			}
		});
		if (late || code === TIMED_OUT) throw timedOut();
		if (code === null)
			throw new SshError({
				operation,
				kind: 'lost',
				message: 'The connection ended before the command did',
				...outcome
			});
		return { code, stdout, stderr };
	} catch (cause) {
		if (cause instanceof SshError) throw cause;
		if (late) throw timedOut();
		throw new SshError({
			operation,
			kind: 'lost',
			message: 'The connection was lost',
			...outcome,
			cause
		});
	} finally {
		clearTimeout(giveUp);
	}
}

function refusedByPct(vmid: number, operation: string, { stderr }: ExecResult): void {
	const message = stderr.trim().slice(0, 300);
	if (stderr.includes(`container '${vmid}' not running!`)) {
		throw new SshError({ operation, kind: 'not_running', message, retryable: true });
	}
	if (
		new RegExp(`Configuration file 'nodes/[^/]+/lxc/${vmid}\\.conf' does not exist`).test(stderr)
	) {
		throw new SshError({ operation, kind: 'not_here', message });
	}
}
