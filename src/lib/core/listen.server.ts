import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import { env } from './env.server.ts';
import { LIVE_CHANNEL } from './live.server.ts';
import { log } from './log.server.ts';

/** What `publish` says: something under `topic` changed; `id` names it where there are several. */
export interface Notice {
	topic: string;
	id?: string | undefined;
}

const noticeSchema = z.object({ topic: z.string(), id: z.string().optional() });

/** A dead peer is noticed after this time at the latest; a proxy in between may drop connections without a word. */
const HEARTBEAT_MS = 15_000;
const PATIENCE_MS = 5_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

const noticeHandlers = new Set<(notice: Notice) => void>();
const gapHandlers = new Set<() => void>();

let listening: { stop: AbortController; ended: Promise<void> } | null = null;
let connected = false;

/**
 * Opens this process's own connection for notices and keeps it: a pool or a transaction pooler would lose them. Does
 * nothing where there is one.
 * Returns after the first attempt, whatever became of it; later ones go on in the background.
 */
export async function startListening(): Promise<void> {
	if (listening) return;
	const stop = new AbortController();
	const first = Promise.withResolvers<void>();
	listening = { stop, ended: keepListening(stop.signal, first.resolve) };
	await first.promise;
}

/** Closes the connection. Handlers stay for the next start. */
export async function stopListening(): Promise<void> {
	const stopping = listening;
	listening = null;
	stopping?.stop.abort();
	await stopping?.ended;
}

/** Whether notices arrive in this moment. `off` where this process was never asked to listen. */
export function listeningState(): 'off' | 'lost' | 'on' {
	if (!listening) return 'off';
	return connected ? 'on' : 'lost';
}

export function isListening(): boolean {
	return listeningState() === 'on';
}

/** Calls `handler` with each notice, in the order of their commits. @returns what ends that */
export function onNotice(handler: (notice: Notice) => void): () => void {
	noticeHandlers.add(handler);
	return () => noticeHandlers.delete(handler);
}

/**
 * The next notice under `topic` from this moment on, for who looks, finds nothing, and would look again.
 * @returns `wait`: until it comes, at most so many seconds; and what ends it
 */
export function nextNotice(topic: string): {
	wait(seconds: { listening: number; deaf: number }, signal: AbortSignal): Promise<void>;
	stop(): void;
} {
	const heard = Promise.withResolvers<void>();
	const unsubscribe = onNotice((notice) => {
		if (notice.topic === topic) heard.resolve();
	});
	const stopped = new AbortController();
	return {
		wait: ({ listening, deaf }, signal) =>
			Promise.race([
				heard.promise,
				sleep((isListening() ? listening : deaf) * 1_000, undefined, {
					signal: AbortSignal.any([signal, stopped.signal])
				})
			]),
		stop: () => {
			unsubscribe();
			stopped.abort();
		}
	};
}

/** Calls `handler` after each reconnection: notices of the time in between are lost, so look again. @returns what ends that */
export function onGap(handler: () => void): () => void {
	gapHandlers.add(handler);
	return () => gapHandlers.delete(handler);
}

async function keepListening(stop: AbortSignal, tried: () => void): Promise<void> {
	let wait = FIRST_WAIT_MS;
	let isFirst = true;
	while (!stop.aborted) {
		try {
			await listenOnce(stop, () => {
				wait = FIRST_WAIT_MS;
				connected = true;
				tried();
				if (!isFirst) for (const handler of gapHandlers) handler();
				isFirst = false;
			});
		} catch (error) {
			if (!stop.aborted) log.warn({ err: error }, 'the connection for notices is lost');
		}
		connected = false;
		// A gap before the first success matters too: somebody may have subscribed meanwhile.
		isFirst = false;
		tried();
		// Many processes lose the same server at the same moment.
		await sleep(wait * (0.5 + Math.random()), undefined, { signal: stop }).catch(() => {});
		wait = Math.min(wait * 2, LONGEST_WAIT_MS);
	}
}

/** Listens until the connection ends; resolves when asked to stop, rejects otherwise. */
async function listenOnce(stop: AbortSignal, onConnected: () => void): Promise<void> {
	const client = new pg.Client({
		connectionString: env.DATABASE_DIRECT_URL ?? env.DATABASE_URL,
		application_name: `erp-core live ${env.ROLE}`,
		connectionTimeoutMillis: PATIENCE_MS,
		query_timeout: PATIENCE_MS,
		keepAlive: true
	});
	const ended = Promise.withResolvers<void>();
	// Awaited below; until then a rejection must not count as nobody's.
	ended.promise.catch(() => {});
	client.on('error', ended.reject);
	client.on('end', () => ended.reject(new Error('the server closed the connection')));
	client.on('notification', ({ payload }) => hear(payload ?? ''));
	const abort = () => ended.resolve();
	stop.addEventListener('abort', abort, { once: true });
	let heartbeat: NodeJS.Timeout | undefined;
	try {
		await client.connect();
		await client.query(`LISTEN ${LIVE_CHANNEL}`);
		if (stop.aborted) return;
		heartbeat = setInterval(() => client.query('SELECT 1').catch(ended.reject), HEARTBEAT_MS);
		onConnected();
		await ended.promise;
	} finally {
		clearInterval(heartbeat);
		stop.removeEventListener('abort', abort);
		// Of a connection that hangs the end may never come.
		await Promise.race([client.end().catch(() => {}), sleep(1_000, undefined, { ref: false })]);
	}
}

function hear(payload: string): void {
	let notice: Notice;
	try {
		notice = noticeSchema.parse(JSON.parse(payload));
	} catch (error) {
		log.error({ err: error }, 'a notice that nobody here can have sent');
		return;
	}
	for (const handler of noticeHandlers) handler(notice);
}
