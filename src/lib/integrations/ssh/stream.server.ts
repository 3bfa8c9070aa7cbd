import { StringDecoder } from 'node:string_decoder';
import type { NodeSSH } from 'node-ssh';
import { SshError } from './errors.ts';

export interface StreamOptions {
	/** Ends the command; the promise then resolves. */
	signal: AbortSignal;
	/** The command is stopped on the other side when this is over; the promise then resolves. */
	timeoutMs: number;
	/** Gets each line without its end. */
	onLine: (line: string) => void;
}

/** Longer lines are cut: what never ends must not fill our memory. */
const LONGEST_LINE = 256 * 1024;
/** Exit code of coreutils' `timeout` when it had to stop the command. */
const TIMED_OUT = 124;

/**
 * Follows a command that goes on, such as `journalctl -f`, line by line.
 * @param command words that the shell of the other side understands
 * @throws {SshError} lost: the connection ended before the command did · failed commands end as `ended`
 */
export function stream(
	client: NodeSSH,
	command: string,
	{ signal, onLine }: StreamOptions
): Promise<{ code: number | null; stderr: string }> {
	return new Promise((resolve, reject) => {
		const lost = () =>
			new SshError({
				operation: 'ssh.stream',
				kind: 'lost',
				message: 'The connection ended before the command did',
				retryable: true
			});
		const connection = client.connection;
		if (!connection || signal.aborted) return signal.aborted ? resolve(ENDED) : reject(lost());
		connection.exec(command, (error, channel) => {
			if (error) return reject(lost());
			let code: number | null = null;
			let stderr = '';
			let rest = '';
			const decoder = new StringDecoder('utf8');
			const end = () => channel.close();
			signal.addEventListener('abort', end, { once: true });
			if (signal.aborted) end();
			channel.end();
			channel.on('data', (chunk: Buffer) => {
				const lines = (rest + decoder.write(chunk)).split('\n');
				rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
				for (const line of lines) if (!signal.aborted) onLine(line);
			});
			channel.stderr.on('data', (chunk: Buffer) => {
				stderr = (stderr + chunk.toString('utf8')).slice(0, 2_000);
			});
			channel.on('exit', (ended: number | null) => {
				code = ended;
			});
			channel.on('close', () => {
				signal.removeEventListener('abort', end);
				if (signal.aborted || code === TIMED_OUT) resolve(ENDED);
				else if (code === null) reject(lost());
				else resolve({ code, stderr });
			});
		});
	});
}

/** It was ended by us. */
const ENDED = { code: null, stderr: '' };
