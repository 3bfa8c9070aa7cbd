import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { HOUR, MINUTE } from '#lib/core/clock.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { onGap, onNotice } from '#lib/core/listen.server.ts';
import { log } from '#lib/core/log.server.ts';
import type { Auth } from '#lib/identity/auth.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	type LiveEvent,
	readUpgrade,
	refreshAuth,
	UpgradeRefused
} from '#lib/identity/liveAdmission.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { ConsoleBridge } from './consoleBridge.server.ts';
import { CONSOLE_PATH, CONSOLE_PROTOCOL, FRAME_BYTES, TICKET_PREFIX } from './consoleProtocol.ts';
import {
	endConsole,
	LONGEST_HOURS,
	noteAlive,
	redeemTicket,
	SILENT_AFTER
} from './consoleSessions.server.ts';
import { hasSsh, openTerminal } from './consoleTarget.server.ts';

export interface Consoles {
	/** For the `upgrade` event of a server. @returns false when it is for somebody else */
	upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
	/** Ends every console and notes that it did. */
	stop(): Promise<void>;
}

export interface ConsoleOptions {
	/** Milliseconds; of the setting when absent. */
	idleMs?: number;
	longestMs?: number;
	/** Milliseconds after which each console's access is checked again at the latest. */
	checkEvery?: number;
	/** Whether this process holds the SSH key. */
	ssh?: boolean;
}

interface Open {
	bridge: ConsoleBridge;
	event: LiveEvent;
	/** Its end is noted. */
	noted: Promise<void>;
}

const PING_MS = 25_000;
/** Requests whose ticket is being looked up. */
const MOST_WAITING = 50;

/** The terminals that people of the staff have open through this process. */
export function startConsoles({
	idleMs,
	longestMs = LONGEST_HOURS * HOUR,
	checkEvery = MINUTE,
	ssh = hasSsh()
}: ConsoleOptions = {}): Consoles {
	const server = new WebSocketServer({
		noServer: true,
		clientTracking: false,
		perMessageDeflate: false,
		maxPayload: FRAME_BYTES,
		handleProtocols: (offered) => (offered.has(CONSOLE_PROTOCOL) ? CONSOLE_PROTOCOL : false)
	});
	const open = new Map<string, Open>();
	let waiting = 0;
	let isStopped = false;

	const endNotices = onNotice(({ topic }) => {
		if (!topic.startsWith('access:')) return;
		const userId = topic.slice('access:'.length);
		for (const one of open.values())
			if (one.event.locals.auth?.user.id === userId) void recheck(one);
	});
	const recheckAll = () => {
		for (const one of open.values()) void recheck(one);
	};
	const endGaps = onGap(recheckAll);
	const checks = setInterval(recheckAll, checkEvery);
	const pings = setInterval(() => {
		for (const { bridge } of open.values()) bridge.ping();
	}, PING_MS);
	const signs = setInterval(() => void sayAlive(), SILENT_AFTER / 3);

	return {
		upgrade(request, socket, head) {
			if (!isConsolePath(request.url)) return false;
			socket.on('error', () => socket.destroy());
			waiting += 1;
			admit(request)
				.then((admitted) => {
					if (isStopped || socket.destroyed) {
						socket.destroy();
						return endConsole(admitted.session, 'closed', null, null);
					}
					server.handleUpgrade(
						request,
						socket,
						head,
						(webSocket) => void serve(webSocket, admitted)
					);
				})
				.catch((error: unknown) => refuse(socket, error))
				.finally(() => {
					waiting -= 1;
				});
			return true;
		},
		async stop() {
			isStopped = true;
			endNotices();
			endGaps();
			for (const timer of [checks, pings, signs]) clearInterval(timer);
			for (const { bridge } of open.values()) bridge.end('restarting');
			await Promise.all([...open.values()].map(({ noted }) => noted));
		}
	};

	async function admit(request: IncomingMessage) {
		if (waiting > MOST_WAITING) throw new UpgradeRefused(429, 'Too Many Requests');
		const event = readUpgrade(request, CONSOLE_PATH);
		await refreshAuth(event);
		const auth = mayOpen(event);
		const ticket = ticketIn(request);
		const session = ticket ? await redeemTicket(ticket, auth, event.locals.ip) : null;
		if (!session?.containerId) throw new UpgradeRefused(401, 'Unauthorized');
		const idle = idleMs ?? (await setting('infrastructure.console_idle_minutes')) * MINUTE;
		return { event, session, containerId: session.containerId, idleMs: idle };
	}

	async function serve(
		webSocket: WebSocket,
		{ event, session, containerId, idleMs: idle }: Awaited<ReturnType<typeof admit>>
	): Promise<void> {
		const bridge = new ConsoleBridge(webSocket, { idleMs: idle, longestMs });
		const noted = bridge.ended
			.then((reason) => endConsole(session, reason, bridge.via, bridge.traffic))
			.catch((error: unknown) => log.error({ err: error }, 'the end of a console is not noted'))
			.finally(() => open.delete(session.id));
		const one = { bridge, event, noted };
		open.set(session.id, one);
		// Said between our look at the login and now, when nobody found this console.
		void recheck(one);
		await bridge.run((size, listener) => openTerminal(containerId, ssh, size, listener));
	}

	/** Asks again whether the login lasts and the person still may; who cannot be asked about may not. */
	async function recheck({ bridge, event }: Open): Promise<void> {
		try {
			if (!(await refreshAuth(event))) return bridge.end('logged_out');
			mayOpen(event);
		} catch (error) {
			if (error instanceof AppError && error.status < 500) return bridge.end('forbidden');
			log.warn({ err: error }, 'nobody can say who may have a console');
			bridge.end('unchecked');
		}
	}

	async function sayAlive(): Promise<void> {
		if (open.size === 0) return;
		try {
			const gone = await noteAlive([...open.keys()]);
			// Given up as dead: whoever looks is told that it ended, so it does.
			for (const id of gone) open.get(id)?.bridge.end('vanished');
		} catch (error) {
			log.warn({ err: error }, 'the sign of life of the consoles is not noted');
		}
	}
}

/** @throws {AppError} */
function mayOpen(event: LiveEvent): Auth {
	requireStaff(event, 'infrastructure:console');
	const { auth } = event.locals;
	if (!auth) throw new AppError('NOT_LOGGED_IN');
	return auth;
}

function isConsolePath(url = '/'): boolean {
	return url === CONSOLE_PATH || url.startsWith(`${CONSOLE_PATH}?`);
}

function ticketIn(request: IncomingMessage): string | undefined {
	const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',');
	return offered
		.map((one) => one.trim())
		.find((one) => one.startsWith(TICKET_PREFIX))
		?.slice(TICKET_PREFIX.length);
}

function refuse(socket: Duplex, error: unknown): void {
	const refusal =
		error instanceof UpgradeRefused
			? error
			: error instanceof AppError && error.status < 500
				? new UpgradeRefused(error.status, error.code)
				: new UpgradeRefused(503, 'Service Unavailable');
	if (refusal.status === 503) log.error({ err: error }, 'a console could not be opened');
	if (socket.destroyed) return;
	socket.end(
		`HTTP/1.1 ${refusal.status} ${refusal.message}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
	);
}
