/** What termproxy makes of the bytes that come in: they are one stream, whatever frames they came in. */
export type TermproxyCommand =
	| { type: 'input'; data: Buffer }
	| { type: 'resize'; cols: number; rows: number }
	| { type: 'keepalive' };

/** Its buffer; what does not fit into it is never whole, and ends the terminal. */
const BUFFER_BYTES = 4096;

/** `0:<bytes>:<data>` input, `1:<cols>:<rows>:` size, `2` a sign of life. */
export class TermproxyReader {
	#waiting = Buffer.alloc(0);

	/** @returns the commands that are whole. @throws {Error} what termproxy does not understand ends it */
	read(chunk: Buffer): TermproxyCommand[] {
		this.#waiting = Buffer.concat([this.#waiting, chunk]);
		const commands: TermproxyCommand[] = [];
		for (;;) {
			const command = this.#next();
			if (!command) return commands;
			commands.push(command);
		}
	}

	#next(): TermproxyCommand | null {
		const waiting = this.#waiting;
		if (waiting.length === 0) return null;
		const head = waiting.subarray(0, 32).toString('latin1');
		if (head.startsWith('2')) return this.#take(1, { type: 'keepalive' });
		const size = /^1:(\d+):(\d+):/.exec(head);
		if (size)
			return this.#take(size[0].length, {
				type: 'resize',
				cols: Number(size[1]),
				rows: Number(size[2])
			});
		const input = /^0:(\d+):/.exec(head);
		if (input) {
			const from = input[0].length;
			const length = Number(input[1]);
			if (from + length > BUFFER_BYTES) throw new Error('too much input in one frame');
			if (waiting.length < from + length) return null;
			return this.#take(from + length, {
				type: 'input',
				data: waiting.subarray(from, from + length)
			});
		}
		if (/^[01](:(\d+(:\d*)?)?)?$/.test(head)) return null;
		throw new Error('unknown command');
	}

	#take(bytes: number, command: TermproxyCommand): TermproxyCommand {
		this.#waiting = this.#waiting.subarray(bytes);
		return command;
	}
}
