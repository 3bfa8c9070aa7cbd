import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { RemoteTerminal, TerminalListener, TerminalSize } from '../terminal.ts';
import { notPinned } from './certificatePin.ts';
import { ProxmoxError, type ProxmoxErrorKind } from './errors.ts';
import {
	Greeting,
	inputFrames,
	KEEPALIVE_FRAME,
	loginFrame,
	resizeFrame
} from './terminalFrames.ts';
import { asProxmoxError, type ProxmoxConfig, type Transport } from './transport.server.ts';

/** What `termproxy` answers, its port as text: good for some 40 seconds and one connection. */
const ticketSchema = z.object({
	user: z.string(),
	ticket: z.string(),
	port: z.coerce.number().int()
});

/** Of the way to an open terminal, each step; and how often it is told that we are there. Tests shorten them. */
export const rhythm = { stepMs: 10_000, keepaliveMs: 30_000 };

const OPERATION = 'lxc.vncwebsocket';
/** Both ways; what the node sends is far smaller. */
const FRAME_BYTES = 128 * 1024;
/** Input that waits to leave: above the one the writer is held back, below the other it goes on. */
const LAG_BYTES = 64 * 1024;
const CAUGHT_UP_BYTES = 8 * 1024;
/** Ended by whoever served it, not by an accident on the way. */
const ORDERLY = new Set([1000, 1005]);

/**
 * Opens a container's console. The API token goes over the wire only after the certificate was compared with the pinned
 * one.
 * @throws {ProxmoxError} `refused` where the node does not take its own ticket from us: before pve-container 6.1 it asked
 * for that of a person, never of an API token
 */
export function terminals(config: ProxmoxConfig, transport: Transport) {
	return async (
		node: string,
		vmid: number,
		size: () => TerminalSize,
		listener: TerminalListener
	): Promise<RemoteTerminal> => {
		const path = `/nodes/${encodeURIComponent(node)}/lxc/${vmid}`;
		const opened = await transport.send({
			operation: 'lxc.termproxy',
			method: 'POST',
			path: `${path}/termproxy`,
			key: String(vmid),
			answer: ticketSchema
		});
		const client = await dial(config, path, opened.port, opened.ticket);
		const early = await greeted(client, loginFrame(opened.user, opened.ticket));
		client.send(resizeFrame(size()));
		return new NodeTerminal(client, early, listener);
	};
}

async function dial(
	config: ProxmoxConfig,
	path: string,
	port: number,
	ticket: string
): Promise<WebSocket> {
	const url = new URL(`${config.baseUrl.replace(/\/+$/, '')}/api2/json${path}/vncwebsocket`);
	url.search = String(new URLSearchParams({ port: String(port), vncticket: ticket }));
	const socket = await connectPinned(url, config.fingerprint);
	return new WebSocket(url, ['binary'], {
		createConnection: () => socket,
		headers: { authorization: `PVEAPIToken=${config.token}` },
		// The node takes neither fragments nor compression.
		perMessageDeflate: false,
		maxPayload: FRAME_BYTES,
		handshakeTimeout: rhythm.stepMs
	});
}

/** A TLS connection to who is meant. @throws {ProxmoxError} */
function connectPinned(url: URL, fingerprint: string | null): Promise<TLSSocket> {
	return new Promise((resolve, reject) => {
		const host = url.hostname.replace(/^\[|\]$/g, '');
		const socket = connectTls({
			host,
			port: Number(url.port || 443),
			servername: isIP(host) ? '' : host,
			rejectUnauthorized: fingerprint === null
		});
		const fail = (error: unknown) => {
			socket.destroy();
			reject(asProxmoxError(OPERATION, false, error));
		};
		socket.setTimeout(rhythm.stepMs, () =>
			fail(Object.assign(new Error('no answer'), { code: 'UND_ERR_CONNECT_TIMEOUT' }))
		);
		socket.once('error', fail);
		socket.once('secureConnect', () => {
			const wrong = fingerprint === null ? null : notPinned(socket, fingerprint);
			if (wrong) return fail(wrong);
			socket.setTimeout(0);
			socket.removeListener('error', fail);
			socket.setNoDelay();
			resolve(socket);
		});
	});
}

/** Says who we are and waits until the node believes it. @returns what it sent already; the socket is paused */
function greeted(client: WebSocket, login: Buffer): Promise<Buffer[]> {
	return new Promise((resolve, reject) => {
		const greeting = new Greeting();
		const early: Buffer[] = [];
		let isGreeted = false;
		const refuse = (kind: ProxmoxErrorKind, message: string, status?: number) => {
			clearTimeout(patience);
			client.terminate();
			reject(new ProxmoxError({ operation: OPERATION, kind, message, status }));
		};
		const patience = setTimeout(() => refuse('lost', 'The terminal did not open'), rhythm.stepMs);
		client.once('open', () => client.send(login));
		client.once('unexpected-response', (_request, { statusCode = 0, statusMessage = '' }) => {
			const kind =
				statusCode === 401 ? 'unauthorized' : statusCode === 403 ? 'forbidden' : 'vendor';
			refuse(kind, statusMessage.slice(0, 300) || `HTTP ${statusCode}`, statusCode);
		});
		// Before it is open, an error says why; later the `close` that follows is what counts.
		client.on('error', (error) => {
			clearTimeout(patience);
			reject(asProxmoxError(OPERATION, false, error));
		});
		client.once('close', () => {
			if (!isGreeted) refuse('refused', 'The node does not take the ticket of its own terminal');
		});
		client.on('message', function hear(data: Buffer) {
			if (isGreeted) return void early.push(data);
			const rest = greeting.take(data);
			if (rest === null) return;
			if (rest === false) return refuse('refused', 'The node answered what is no terminal');
			isGreeted = true;
			clearTimeout(patience);
			client.pause();
			if (rest.length > 0) early.push(rest);
			// Frames of the same packet still come, and are kept.
			setImmediate(() => {
				client.removeListener('message', hear);
				resolve(early);
			});
		});
	});
}

class NodeTerminal implements RemoteTerminal {
	readonly #client: WebSocket;
	readonly #listener: TerminalListener;
	readonly #keepalive: NodeJS.Timeout;
	#early: Buffer[];
	#isLagging = false;
	#isOver = false;

	constructor(client: WebSocket, early: Buffer[], listener: TerminalListener) {
		this.#client = client;
		this.#early = early;
		this.#listener = listener;
		this.#keepalive = setInterval(() => this.#send(KEEPALIVE_FRAME), rhythm.keepaliveMs);
		client.on('message', (data: Buffer) => {
			if (!this.#isOver) listener.onData(data);
		});
		client.on('close', (code) => this.#end(ORDERLY.has(code) ? 'exited' : 'lost'));
		if (client.readyState === client.CLOSED) setImmediate(() => this.#end('lost'));
	}

	write(data: Buffer): boolean {
		for (const frame of inputFrames(data)) this.#send(frame);
		this.#isLagging = this.#client.bufferedAmount > LAG_BYTES;
		return !this.#isLagging;
	}

	resize(size: TerminalSize): void {
		this.#send(resizeFrame(size));
	}

	pause(): void {
		this.#client.pause();
	}

	resume(): void {
		const early = this.#early;
		this.#early = [];
		for (const chunk of early) this.#listener.onData(chunk);
		this.#client.resume();
	}

	close(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		clearInterval(this.#keepalive);
		this.#client.close(1000);
		// A paused socket would never read the other side's goodbye.
		this.#client.resume();
	}

	#send(frame: Buffer): void {
		if (this.#client.readyState !== this.#client.OPEN) return;
		this.#client.send(frame, () => {
			if (!this.#isLagging || this.#client.bufferedAmount > CAUGHT_UP_BYTES) return;
			this.#isLagging = false;
			this.#listener.onDrain();
		});
	}

	#end(how: 'exited' | 'lost'): void {
		clearInterval(this.#keepalive);
		if (this.#isOver) return;
		this.#isOver = true;
		this.#listener.onEnd(how);
	}
}
