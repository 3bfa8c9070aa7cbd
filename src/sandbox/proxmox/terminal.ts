import { StringDecoder } from 'node:string_decoder';

/** Where a terminal's output goes. `write` answers false when the reader lags; `more` is called when it has caught up. */
export interface Screen {
	write(chunk: Buffer): boolean;
	close(code: number): void;
}

const CHUNK = 16 * 1024;

/**
 * A small shell on a terminal: it echoes what is typed, knows its size, and writes as much as is asked for, so that
 * every byte, every resize and a slow reader can be seen.
 */
export class Terminal {
	readonly #host: string;
	readonly #screen: Screen;
	readonly #decoder = new StringDecoder('utf8');
	#line = '';
	#cols = 80;
	#rows = 24;
	/** Output of the command that runs. */
	#writing: Iterator<Buffer> | null = null;
	#isHeld = false;
	#isOver = false;

	constructor(host: string, screen: Screen, banner: string) {
		this.#host = host;
		this.#screen = screen;
		this.#write(`${banner}${this.#prompt}`);
	}

	resize(cols: number, rows: number): void {
		this.#cols = cols;
		this.#rows = rows;
	}

	/** Bytes as they were typed; a character may come in parts. */
	type(data: Buffer): void {
		for (const key of this.#decoder.write(data)) this.#press(key);
	}

	/** The reader has caught up. */
	more(): void {
		this.#isHeld = false;
		this.#goOn();
	}

	end(): void {
		this.#isOver = true;
		this.#writing = null;
	}

	get #prompt(): string {
		return `root@${this.#host}:~# `;
	}

	#press(key: string): void {
		if (this.#isOver) return;
		// Ctrl-C ends what runs; everything else waits for it, and is lost here.
		if (key === '\u0003') {
			this.#writing = null;
			this.#line = '';
			this.#write(`^C\r\n${this.#prompt}`);
		} else if (this.#writing) return;
		else if (key === '\u0004' && this.#line === '') this.#exit();
		else if (key === '\u007f' || key === '\b') {
			if (this.#line === '') return;
			this.#line = [...this.#line].slice(0, -1).join('');
			this.#write('\b \b');
		} else if (key === '\r' || key === '\n') {
			const command = this.#line.trim();
			this.#line = '';
			this.#write('\r\n');
			this.#run(command);
		} else {
			this.#line += key;
			this.#write(key);
		}
	}

	#run(command: string): void {
		const [program = '', ...words] = command.split(/\s+/);
		if (program === 'exit') return this.#exit();
		if (program === 'seq') {
			const last = Number(words.at(-1));
			this.#writing = numbers(words.length > 1 ? Number(words[0]) : 1, last);
			return this.#goOn();
		}
		this.#write(`${program ? this.#answer(command, program) : ''}${this.#prompt}`);
	}

	#answer(command: string, program: string): string {
		if (program === 'hostname') return `${this.#host}\r\n`;
		if (program === 'whoami') return 'root\r\n';
		if (program === 'echo') return `${command.slice(5)}\r\n`;
		if (command === 'stty size') return `${this.#rows} ${this.#cols}\r\n`;
		return `-bash: ${program}: command not found\r\n`;
	}

	#goOn(): void {
		while (this.#writing && !this.#isHeld) {
			const { value, done } = this.#writing.next();
			if (done) {
				this.#writing = null;
				this.#write(this.#prompt);
			} else this.#isHeld = !this.#screen.write(value);
		}
	}

	#write(text: string): void {
		if (!this.#isOver) this.#screen.write(Buffer.from(text));
	}

	#exit(): void {
		this.#write('logout\r\n');
		this.#isOver = true;
		this.#screen.close(0);
	}
}

/** `seq FIRST LAST`, in pieces that end anywhere in a line. */
function* numbers(first: number, last: number): Generator<Buffer, undefined> {
	let text = '';
	for (let number = first; number <= last; number += 1) {
		text += `${number}\r\n`;
		if (text.length < CHUNK) continue;
		yield Buffer.from(text);
		text = '';
	}
	if (text) yield Buffer.from(text);
}
