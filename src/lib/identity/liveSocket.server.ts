import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import { AppError } from '#lib/core/errors.ts';
import { log } from '#lib/core/log.server.ts';
import { type LiveEvent, refreshAuth } from './liveAdmission.server.ts';
import type { LiveChannels } from './liveChannels.server.ts';
import { findTopic, type Topic } from './topics.server.ts';

/** Close codes of our own, from the range that the protocol leaves to applications. */
export const SESSION_ENDED = 4401;

export const SUBSCRIPTIONS_PER_SOCKET = 50;
const MESSAGES_PER_WINDOW = 200;
const WINDOW_MS = 10_000;
/** Bytes that a reader may lag behind: some hundreds of notices. Who is slower looks again after reconnecting. */
const LAG_BYTES = 64 * 1024;
/** A burst of notices of one topic within this time is passed on once. */
const BURST_MS = 50;

const messageSchema = z.union([
	z.strictObject({
		subscribe: z.string().min(1).max(100),
		/** Milliseconds since the client loaded what it shows: what changed since is told at once. */
		age: z.number().min(0).max(86_400_000).optional()
	}),
	z.strictObject({ unsubscribe: z.string().min(1).max(100) })
]);

/** One topic that a socket listens to. */
export interface Subscription {
	socket: LiveSocket;
	/** As the client named it. */
	named: string;
	topic: Topic;
	/** What was named after the colon. */
	asked: string;
	/** What the guard proved. */
	id: string;
	channels: string[];
}

/** One browser's connection: answers its messages one after the other, and passes on the notices that it may hear. */
export class LiveSocket {
	readonly event: LiveEvent;
	/** False once a ping went unanswered. */
	isAlive = true;
	/** Wall-clock milliseconds at which the access is checked again. */
	checkAt: number;

	readonly #socket: WebSocket;
	readonly #channels: LiveChannels<Subscription>;
	readonly #checkEvery: number;
	readonly #subscriptions = new Map<string, Subscription>();
	readonly #pending = new Map<string, string | undefined>();
	#work: Promise<void> = Promise.resolve();
	#flush: NodeJS.Timeout | undefined;
	#received = 0;
	#windowEnds = 0;

	/** @param checkEvery milliseconds after which the access is checked again at the latest */
	constructor(
		socket: WebSocket,
		event: LiveEvent,
		channels: LiveChannels<Subscription>,
		checkEvery: number
	) {
		this.#socket = socket;
		this.event = event;
		this.#channels = channels;
		this.#checkEvery = checkEvery;
		this.checkAt = this.#nextCheck();
		socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
		socket.on('pong', () => {
			this.isAlive = true;
		});
		// The `close` that follows an error is what counts.
		socket.on('error', (error) => log.debug({ err: error }, 'live socket'));
		socket.on('close', () => this.#forgetAll());
	}

	/** Passes a notice on, with the others of its burst. */
	notice({ named }: Subscription, id: string | undefined): void {
		const several = this.#pending.has(named) && this.#pending.get(named) !== id;
		this.#pending.set(named, several ? undefined : id);
		// Through the queue: an access check that waits comes first.
		this.#flush ??= setTimeout(() => this.#enqueue(() => this.#passOn()), BURST_MS);
	}

	/** Notices were lost: the page loads again whatever it shows. */
	gap(): void {
		this.#send({ gap: true });
	}

	/** Asks again whether the session lasts and every topic is still allowed; closes the socket or ends what is not. */
	recheck(): void {
		this.checkAt = this.#nextCheck();
		this.#enqueue(async () => {
			if (!(await refreshAuth(this.event))) return this.close(SESSION_ENDED, 'session ended');
			for (const subscription of [...this.#subscriptions.values()]) {
				const before = subscription.id;
				const isAllowed = await this.#bind(subscription);
				if (isAllowed && subscription.id !== before) this.notice(subscription, undefined);
			}
		});
	}

	ping(): void {
		this.isAlive = false;
		this.#socket.ping();
	}

	close(code: number, reason: string): void {
		this.#socket.close(code, reason);
	}

	/** Ends the connection without a word, for a peer that does not answer. */
	terminate(): void {
		this.#socket.terminate();
	}

	#receive(data: RawData, isBinary: boolean): void {
		const at = Date.now();
		if (at >= this.#windowEnds) [this.#received, this.#windowEnds] = [0, at + WINDOW_MS];
		this.#received += 1;
		if (this.#received > MESSAGES_PER_WINDOW) return this.close(1008, 'too many messages');
		const message = isBinary ? null : parse(data);
		if (!message) return this.close(1008, 'not a message of this protocol');
		this.#enqueue(async () => {
			if ('unsubscribe' in message) this.#unsubscribe(message.unsubscribe);
			else await this.#subscribe(message.subscribe, at - (message.age ?? 0));
		});
	}

	async #subscribe(named: string, since: number): Promise<void> {
		let subscription = this.#subscriptions.get(named);
		if (!subscription) {
			const found = findTopic(named);
			if (!found) return this.#send({ refused: named, error: 'NOT_FOUND' });
			if (this.#subscriptions.size >= SUBSCRIPTIONS_PER_SOCKET)
				return this.#send({ refused: named, error: 'RATE_LIMITED' });
			const { topic, id: asked } = found;
			subscription = { socket: this, named, topic, asked, id: '', channels: [] };
			if (!(await this.#bind(subscription))) return;
		}
		this.#send({ subscribed: named });
		if (this.#channels.spokeSince(subscription.channels, since))
			this.notice(subscription, undefined);
	}

	#unsubscribe(named: string): void {
		const subscription = this.#subscriptions.get(named);
		if (subscription) this.#listenTo(subscription, []);
		this.#subscriptions.delete(named);
		this.#pending.delete(named);
		this.#send({ unsubscribed: named });
	}

	/** Asks the guard and listens to what it proves. @returns false when it refused, which the client is told */
	async #bind(subscription: Subscription): Promise<boolean> {
		const { topic, named, asked } = subscription;
		try {
			subscription.id = await topic.guard(this.event, asked);
			const channels = await topic.channels(subscription.id);
			if (this.#socket.readyState !== this.#socket.OPEN) return false;
			this.#listenTo(subscription, channels);
			this.#subscriptions.set(named, subscription);
			return true;
		} catch (refusal) {
			if (!(refusal instanceof AppError) || refusal.status >= 500) throw refusal;
			this.#listenTo(subscription, []);
			this.#subscriptions.delete(named);
			this.#pending.delete(named);
			this.#send({ refused: named, error: refusal.code });
			return false;
		}
	}

	#listenTo(subscription: Subscription, channels: string[]): void {
		for (const channel of subscription.channels) this.#channels.remove(channel, subscription);
		for (const channel of channels) this.#channels.add(channel, subscription);
		subscription.channels = channels;
	}

	async #passOn(): Promise<void> {
		this.#flush = undefined;
		const due = [...this.#pending];
		this.#pending.clear();
		for (const [named, id] of due) {
			const subscription = this.#subscriptions.get(named);
			if (!subscription) continue;
			// First the new channels, then the word: what is said after the page looked again is heard.
			if (subscription.topic.moves && !(await this.#bind(subscription))) continue;
			this.#send({ topic: named, ...(id !== undefined && { id }) });
		}
	}

	#enqueue(work: () => Promise<void>): void {
		this.#work = this.#work.then(work).catch((error: unknown) => {
			// Without an answer from the database nobody can say who may: the client comes back and asks again.
			log.warn({ err: error, requestId: this.event.locals.requestId }, 'live socket');
			this.close(1011, 'try again');
		});
	}

	#send(message: object): void {
		if (this.#socket.readyState !== this.#socket.OPEN) return;
		this.#socket.send(JSON.stringify(message));
		if (this.#socket.bufferedAmount > LAG_BYTES) this.terminate();
	}

	#forgetAll(): void {
		clearTimeout(this.#flush);
		for (const subscription of this.#subscriptions.values()) this.#listenTo(subscription, []);
		this.#subscriptions.clear();
		this.#pending.clear();
	}

	/** Spread, so that a thousand sockets of one second do not ask in one second again. */
	#nextCheck(): number {
		return Date.now() + this.#checkEvery * (0.5 + Math.random() * 0.4);
	}
}

function parse(data: RawData): z.infer<typeof messageSchema> | null {
	try {
		return messageSchema.parse(JSON.parse(String(data)));
	} catch {
		return null;
	}
}
