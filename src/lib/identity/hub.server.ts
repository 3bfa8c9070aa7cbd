import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { type Notice, onGap, onNotice } from '#lib/core/listen.server.ts';
import { log } from '#lib/core/log.server.ts';
import {
	type LiveEvent,
	limitOf,
	readUpgrade,
	refreshAuth,
	UpgradeRefused
} from './liveAdmission.server.ts';
import { LiveChannels } from './liveChannels.server.ts';
import { LiveSocket, type Subscription } from './liveSocket.server.ts';

export interface Hub {
	/** For the `upgrade` event of a server. */
	upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
	/** Says goodbye to every socket; clients come back to another process. */
	stop(): void;
}

export interface HubOptions {
	/** Milliseconds after which each socket's access is checked again at the latest. */
	checkEvery?: number;
	/** Milliseconds between pings; who did not answer the last one is gone. */
	pingEvery?: number;
}

const MESSAGE_BYTES = 1024;
const TICK_MS = 1_000;
/** Requests of one address whose session is being looked up. */
const WAITING_PER_ADDRESS = 50;

/**
 * Tells browsers what changed: passes the notices of `publish` on to the sockets whose guards allow it. Each web process
 * has a hub and a listening connection of its own (startListening).
 */
export function startHub({ checkEvery = 60_000, pingEvery = 25_000 }: HubOptions = {}): Hub {
	const server = new WebSocketServer({
		noServer: true,
		clientTracking: false,
		perMessageDeflate: false,
		maxPayload: MESSAGE_BYTES
	});
	const channels = new LiveChannels<Subscription>();
	const sockets = new Set<LiveSocket>();
	const places = new Places();
	let stopped = false;

	const endNotices = onNotice(hear);
	const endGaps = onGap(() => {
		channels.noteGap();
		for (const live of sockets) {
			live.gap();
			// A change of access may have been among what was lost; not all in the same moment.
			live.checkAt = Date.now() + Math.random() * 5_000;
		}
	});
	const checks = setInterval(
		() => {
			const at = Date.now();
			for (const live of sockets) if (live.checkAt <= at) live.recheck();
		},
		Math.min(TICK_MS, checkEvery / 4)
	);
	const pings = setInterval(() => {
		for (const live of sockets) {
			if (live.isAlive) live.ping();
			else live.terminate();
		}
	}, pingEvery);

	return {
		upgrade(request, socket, head) {
			// Who leaves before we have answered is nobody's error.
			socket.on('error', () => socket.destroy());
			const arrivedAt = Date.now();
			admit(request)
				.then((admitted) => {
					if (stopped || socket.destroyed) {
						admitted.leave();
						socket.destroy();
						return;
					}
					// Whatever ends the connection, before or after it has become a WebSocket.
					socket.once('close', admitted.leave);
					server.handleUpgrade(request, socket, head, (webSocket) => {
						const live = new LiveSocket(webSocket, admitted.event, channels, checkEvery);
						sockets.add(live);
						webSocket.once('close', () => sockets.delete(live));
						// Said between our look at the session and now, when nobody found this socket.
						const userId = admitted.event.locals.auth?.user.id;
						if (userId && channels.spokeSince([`access:${userId}`], arrivedAt)) live.recheck();
					});
				})
				.catch((error: unknown) => refuse(socket, error));
		},
		stop() {
			stopped = true;
			endNotices();
			endGaps();
			clearInterval(checks);
			clearInterval(pings);
			for (const live of sockets) live.close(1001, 'restarting');
		}
	};

	function hear({ topic, id }: Notice): void {
		for (const subscription of channels.note(topic)) subscription.socket.notice(subscription, id);
		if (!topic.startsWith('access:')) return;
		const userId = topic.slice('access:'.length);
		for (const live of sockets) if (live.event.locals.auth?.user.id === userId) live.recheck();
	}

	async function admit(request: IncomingMessage): Promise<{ event: LiveEvent; leave: () => void }> {
		const event = readUpgrade(request);
		const arrived = places.take(`waiting:${event.locals.ip}`, WAITING_PER_ADDRESS);
		try {
			await refreshAuth(event);
		} finally {
			arrived();
		}
		const { key, most } = limitOf(event, event.locals.auth);
		return { event, leave: places.take(key, most) };
	}
}

/** How many of a kind there are. */
class Places {
	readonly #taken = new Map<string, number>();

	/** @returns what gives the place back, once. @throws {UpgradeRefused} 429 when all are taken */
	take(key: string, most: number): () => void {
		const taken = this.#taken.get(key) ?? 0;
		if (taken >= most) throw new UpgradeRefused(429, 'Too Many Requests');
		this.#taken.set(key, taken + 1);
		let isGone = false;
		return () => {
			if (isGone) return;
			isGone = true;
			const left = (this.#taken.get(key) ?? 1) - 1;
			if (left > 0) this.#taken.set(key, left);
			else this.#taken.delete(key);
		};
	}
}

function refuse(socket: Duplex, error: unknown): void {
	const refusal =
		error instanceof UpgradeRefused ? error : new UpgradeRefused(503, 'Service Unavailable');
	if (refusal !== error) log.error({ err: error }, 'a socket could not be opened');
	if (socket.destroyed) return;
	socket.end(
		`HTTP/1.1 ${refusal.status} ${refusal.message}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
	);
}
