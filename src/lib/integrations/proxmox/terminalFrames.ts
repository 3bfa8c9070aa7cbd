import type { TerminalSize } from '../terminal.ts';

/**
 * Bytes of input in one frame: termproxy reads into a small buffer, and a paste is as long as somebody likes.
 * https://git.proxmox.com/?p=pve-xtermjs.git (termproxy)
 */
const MOST_INPUT = 1024;

/** What termproxy answers to the right ticket, before the first byte of the terminal. */
const GREETING = 'OK';

/** The first frame: who asks, and the ticket of this terminal. */
export function loginFrame(user: string, ticket: string): Buffer {
	return Buffer.from(`${user}:${ticket}\n`);
}

/** `0:<bytes>:<data>`, in as many frames as termproxy can take; a character may be cut in two. */
export function inputFrames(data: Buffer): Buffer[] {
	const frames: Buffer[] = [];
	for (let at = 0; at < data.length; at += MOST_INPUT) {
		const part = data.subarray(at, at + MOST_INPUT);
		frames.push(Buffer.concat([Buffer.from(`0:${part.length}:`), part]));
	}
	return frames;
}

export function resizeFrame({ cols, rows }: TerminalSize): Buffer {
	return Buffer.from(`1:${cols}:${rows}:`);
}

/** The node ends a terminal that says nothing for long. */
export const KEEPALIVE_FRAME = Buffer.from('2');

/** Waits for the greeting, however it is cut, and keeps what came behind it. */
export class Greeting {
	#seen = Buffer.alloc(0);

	/** @returns null: not whole yet; false: something else; else what follows it */
	take(chunk: Buffer): Buffer | false | null {
		this.#seen = Buffer.concat([this.#seen, chunk]);
		const begins = this.#seen.subarray(0, GREETING.length).toString('latin1');
		if (!GREETING.startsWith(begins)) return false;
		return begins.length < GREETING.length ? null : this.#seen.subarray(GREETING.length);
	}
}
