import type { RawData, WebSocket } from 'ws';
import { log } from '#lib/core/log.server.ts';
import type { RemoteTerminal, TerminalListener, TerminalSize } from '#lib/integrations/terminal.ts';
import type { ConsoleEnd } from './consoleEnds.ts';
import { browserMessage, CONSOLE_ENDED, type ConsoleWay, TAKEN_BYTES } from './consoleProtocol.ts';
import type { Traffic } from './consoleSessions.server.ts';
import { ConsoleRefused } from './consoleTarget.server.ts';

export interface BridgeLimits {
	/** Milliseconds without a keystroke after which it ends; output alone keeps nothing open. */
	idleMs: number;
	/** Milliseconds that it lasts at most. */
	longestMs: number;
}

type Open = (
	size: () => TerminalSize,
	listener: TerminalListener
) => Promise<{ terminal: RemoteTerminal; via: ConsoleWay }>;

/** Output that the browser has not shown yet: above the one the node is held back, below the other it goes on. */
const LAG_BYTES = 256 * 1024;
const CAUGHT_UP_BYTES = 4 * TAKEN_BYTES;
/** A browser that does not say goodbye is not waited for. */
const GOODBYE_MS = 2_000;
/** Closed on purpose: by the page, by leaving it, without a word on why. */
const ON_PURPOSE = new Set([1000, 1001, 1005]);

/** Passes bytes between a browser's socket and a terminal, as fast as the slower of both takes them. Keeps none of them. */
export class ConsoleBridge {
	/** Why it ended, once it has, and after the last byte. */
	readonly ended: Promise<ConsoleEnd>;
	readonly traffic: Traffic = { bytesIn: 0, bytesOut: 0 };
	/** Null until the terminal is open. */
	via: ConsoleWay | null = null;
	/** False once a ping went unanswered. */
	isAlive = true;

	readonly #socket: WebSocket;
	readonly #limits: BridgeLimits;
	readonly #begun = Date.now();
	readonly #tell: (reason: ConsoleEnd) => void;
	readonly #clock: NodeJS.Timeout;
	#typedAt = Date.now();
	#size: TerminalSize = { cols: 80, rows: 24 };
	#terminal: RemoteTerminal | null = null;
	/** Bytes that were sent and not yet shown. */
	#untaken = 0;
	#isLagging = false;
	#isOver = false;

	constructor(socket: WebSocket, limits: BridgeLimits) {
		this.#socket = socket;
		this.#limits = limits;
		const { promise, resolve } = Promise.withResolvers<ConsoleEnd>();
		this.ended = promise;
		this.#tell = resolve;
		socket.on('message', (data, isBinary) => this.#hear(data, isBinary));
		socket.on('pong', () => {
			this.isAlive = true;
		});
		// The `close` that follows an error is what counts.
		socket.on('error', (error) => log.debug({ err: error }, 'console socket'));
		socket.on('close', (code) => this.end(ON_PURPOSE.has(code) ? 'closed' : 'away'));
		this.#clock = setInterval(() => this.#look(), Math.min(1_000, limits.idleMs / 4));
	}

	/** Opens the terminal and begins to pass on. What goes wrong is how it ends. */
	async run(open: Open): Promise<void> {
		try {
			const { terminal, via } = await open(() => this.#size, {
				onData: (chunk) => this.#show(chunk),
				onDrain: () => this.#socket.resume(),
				onEnd: (how) => this.end(how)
			});
			if (this.#isOver) return terminal.close();
			this.#terminal = terminal;
			this.via = via;
			this.#typedAt = Date.now();
			this.#socket.send(JSON.stringify({ open: via }));
			terminal.resize(this.#size);
			terminal.resume();
		} catch (error) {
			if (!(error instanceof ConsoleRefused)) log.error({ err: error }, 'a console broke');
			this.end(error instanceof ConsoleRefused ? error.end : 'failed');
		}
	}

	/** Ends both sides, once. */
	end(reason: ConsoleEnd): void {
		if (this.#isOver) return;
		this.#isOver = true;
		clearInterval(this.#clock);
		this.#terminal?.close();
		const socket = this.#socket;
		if (socket.readyState !== socket.CLOSED) {
			// Held back it would not read the answer to its goodbye.
			socket.resume();
			socket.close(CONSOLE_ENDED, reason);
			const giveUp = setTimeout(() => socket.terminate(), GOODBYE_MS);
			socket.once('close', () => clearTimeout(giveUp));
		}
		this.#tell(reason);
	}

	ping(): void {
		if (!this.isAlive) return this.end('away');
		this.isAlive = false;
		if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
	}

	#hear(data: RawData, isBinary: boolean): void {
		if (this.#isOver) return;
		if (!isBinary) return this.#obey(String(data));
		// What is typed before there is a terminal goes nowhere: nobody has seen a prompt.
		if (!this.#terminal || !Buffer.isBuffer(data)) return;
		this.#typedAt = Date.now();
		this.traffic.bytesIn += data.length;
		if (!this.#terminal.write(data)) this.#socket.pause();
	}

	#obey(message: string): void {
		const parsed = browserMessage.safeParse(parse(message));
		if (!parsed.success) return this.end('closed');
		if ('taken' in parsed.data) return this.#take(parsed.data.taken);
		this.#size = parsed.data.resize;
		this.#terminal?.resize(this.#size);
	}

	#take(bytes: number): void {
		this.#untaken = Math.max(0, this.#untaken - bytes);
		if (!this.#isLagging || this.#untaken > CAUGHT_UP_BYTES) return;
		this.#isLagging = false;
		this.#terminal?.resume();
	}

	#show(chunk: Buffer): void {
		const socket = this.#socket;
		if (this.#isOver || socket.readyState !== socket.OPEN) return;
		this.traffic.bytesOut += chunk.length;
		this.#untaken += chunk.length;
		socket.send(chunk, { binary: true });
		if (this.#isLagging || this.#untaken <= LAG_BYTES) return;
		this.#isLagging = true;
		this.#terminal?.pause();
	}

	#look(): void {
		const at = Date.now();
		if (at - this.#typedAt >= this.#limits.idleMs) this.end('idle');
		else if (at - this.#begun >= this.#limits.longestMs) this.end('too_long');
	}
}

function parse(message: string): unknown {
	try {
		return JSON.parse(message);
	} catch {
		return null;
	}
}
