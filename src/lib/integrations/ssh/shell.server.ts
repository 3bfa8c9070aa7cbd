import type { NodeSSH } from 'node-ssh';
import type { ClientChannel } from 'ssh2';
import type { RemoteTerminal, TerminalListener, TerminalSize } from '../terminal.ts';
import { SshError } from './errors.ts';

/**
 * Runs a command on a terminal of its own, for a person who types.
 * @param command words that the shell of the other side understands
 * @throws {SshError} lost
 */
export function openShell(
	client: NodeSSH,
	command: string,
	size: () => TerminalSize,
	listener: TerminalListener
): Promise<RemoteTerminal> {
	return new Promise((resolve, reject) => {
		const lost = (cause?: Error) =>
			new SshError({
				operation: 'ssh.shell',
				kind: 'lost',
				message: 'The connection ended before the terminal opened',
				retryable: true,
				cause
			});
		const { connection } = client;
		if (!connection) return reject(lost());
		const pty = { term: 'xterm-256color', ...size() };
		connection.exec(command, { pty }, (error, channel) => {
			if (error) reject(lost(error));
			else resolve(new ShellTerminal(channel, listener));
		});
	});
}

class ShellTerminal implements RemoteTerminal {
	readonly #channel: ClientChannel;
	#isOver = false;
	#code: number | null = null;

	constructor(channel: ClientChannel, listener: TerminalListener) {
		this.#channel = channel;
		channel.pause();
		channel.on('data', (chunk: Buffer) => {
			if (!this.#isOver) listener.onData(chunk);
		});
		// `on('data')` alone would begin to read.
		channel.pause();
		channel.on('drain', () => listener.onDrain());
		channel.on('exit', (code: number | null) => {
			this.#code = code;
		});
		// The `close` that follows an error is what counts.
		channel.on('error', () => undefined);
		channel.on('close', () => {
			if (this.#isOver) return;
			this.#isOver = true;
			listener.onEnd(this.#code === null ? 'lost' : 'exited');
		});
	}

	write(data: Buffer): boolean {
		return this.#channel.writable ? this.#channel.write(data) : true;
	}

	resize({ cols, rows }: TerminalSize): void {
		if (this.#channel.writable) this.#channel.setWindow(rows, cols, 0, 0);
	}

	pause(): void {
		this.#channel.pause();
	}

	resume(): void {
		this.#channel.resume();
	}

	close(): void {
		this.#isOver = true;
		this.#channel.close();
	}
}
