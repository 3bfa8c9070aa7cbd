import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientChannel } from 'ssh2';
import { SshError } from './errors.ts';
import { patience, type SshClient } from './ssh.server.ts';

/** A command on a node, over a connection of its own. */
export interface PipeEnd {
	client: SshClient;
	argv: string[];
}

export interface PipeOptions {
	signal: AbortSignal;
	/** Both commands are stopped on the other side when this is over. */
	timeoutMs: number;
	/** Hears how many bytes have passed, at most once a second. */
	onBytes?: (bytes: number) => void;
}

/**
 * Leads what one command writes into another one's standard input, byte by byte through this process and never whole: what
 * the second does not take yet, the first is not asked for.
 * @returns bytes that passed
 * @throws {SshError} `lost`, ambiguous, when a connection or a command ended before its time; what was written is then part
 */
export async function pipe(from: PipeEnd, to: PipeEnd, options: PipeOptions): Promise<number> {
	const { signal, timeoutMs, onBytes } = options;
	// Neither is told anything besides, and what the second says is read: a channel closes only once it was.
	const source = await from.client.open(from.argv, timeoutMs);
	const sourceEnd = endOf(source);
	source.end();
	const sink = await to.client.open(to.argv, timeoutMs).catch((error: unknown) => {
		source.close();
		throw error;
	});
	sink.resume();
	const ends = [sourceEnd, endOf(sink)] as const;
	let bytes = 0;
	let told = 0;
	const counter = new Transform({
		transform(chunk: Buffer, _encoding, done) {
			bytes += chunk.length;
			if (onBytes && Date.now() - told >= 1000) {
				told = Date.now();
				onBytes(bytes);
			}
			done(null, chunk);
		}
	});
	const limit = AbortSignal.timeout(timeoutMs + patience.graceMs);
	const until = AbortSignal.any([signal, limit]);
	try {
		await pipeline(source, counter, sink, { signal: until, end: true });
		const [one, other] = await within(Promise.all(ends), until);
		for (const { code, stderr } of [one, other])
			if (code !== 0) throw lost(stderr || `A command ended with ${code ?? 'its connection'}`);
		return bytes;
	} catch (cause) {
		source.close();
		sink.close();
		signal.throwIfAborted();
		if (cause instanceof SshError) throw cause;
		if (limit.aborted) throw lost(`It was stopped after ${timeoutMs} ms`, cause);
		const said = await Promise.race([Promise.all(ends), sleep(500, null)]);
		const words = said?.map(({ stderr }) => stderr).find(Boolean);
		throw lost(words || 'A connection ended in the middle', cause);
	}
}

function within<T>(work: Promise<T>, until: AbortSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		const stop = () => reject(new Error('aborted'));
		if (until.aborted) stop();
		until.addEventListener('abort', stop, { once: true });
		work.then(resolve, reject);
	});
}

/** How a command ended: null where its connection did first. */
function endOf(channel: ClientChannel): Promise<{ code: number | null; stderr: string }> {
	return new Promise((resolve) => {
		let code: number | null = null;
		let stderr = '';
		channel.stderr.on('data', (chunk: Buffer) => {
			stderr = (stderr + chunk.toString('utf8')).slice(0, 2_000);
		});
		channel.on('exit', (ended: number | null) => {
			code = ended;
		});
		channel.on('close', () => resolve({ code, stderr: stderr.trim() }));
	});
}

function lost(message: string, cause?: unknown): SshError {
	return new SshError({ operation: 'ssh.pipe', kind: 'lost', message, ambiguous: true, cause });
}
