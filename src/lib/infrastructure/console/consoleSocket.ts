import type { TerminalSize } from '#lib/integrations/terminal.ts';
import {
	CONSOLE_PATH,
	CONSOLE_PROTOCOL,
	type ConsoleWay,
	serverMessage,
	TAKEN_BYTES,
	TICKET_PREFIX
} from './consoleProtocol.ts';

export interface ConsoleHandlers {
	onOpen(via: ConsoleWay): void;
	/** @param shown call it when the bytes are drawn: more come only then */
	onData(data: Uint8Array, shown: () => void): void;
	/** @param reason of the server; null when it refused the ticket */
	onEnd(reason: string | null): void;
}

/** A browser's end of a console. */
export interface ConsoleSocket {
	type(data: Uint8Array<ArrayBuffer>): void;
	resize(size: TerminalSize): void;
	close(): void;
}

/** Connects with a ticket, which works once. */
export function connectConsole(
	ticket: string,
	size: TerminalSize,
	{ onOpen, onData, onEnd }: ConsoleHandlers
): ConsoleSocket {
	const address = `${location.origin.replace(/^http/, 'ws')}${CONSOLE_PATH}`;
	const socket = new WebSocket(address, [CONSOLE_PROTOCOL, `${TICKET_PREFIX}${ticket}`]);
	socket.binaryType = 'arraybuffer';
	let isAdmitted = false;
	let shown = 0;
	const send = (message: object) => {
		if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
	};
	const take = (bytes: number) => {
		shown += bytes;
		if (shown < TAKEN_BYTES) return;
		send({ taken: shown });
		shown = 0;
	};
	socket.onopen = () => {
		isAdmitted = true;
		send({ resize: size });
	};
	socket.onmessage = ({ data }) => {
		if (data instanceof ArrayBuffer) onData(new Uint8Array(data), () => take(data.byteLength));
		else onOpen(serverMessage.parse(JSON.parse(String(data))).open);
	};
	socket.onclose = ({ reason, wasClean, code }) => {
		if (!isAdmitted) onEnd(null);
		// Closed by this page the server gives no reason of its own.
		else onEnd(reason || (wasClean && code === 1000 ? 'closed' : ''));
	};
	return {
		type: (data) => {
			if (socket.readyState === WebSocket.OPEN) socket.send(data);
		},
		resize: (next) => {
			size = next;
			send({ resize: next });
		},
		close: () => socket.close(1000)
	};
}
