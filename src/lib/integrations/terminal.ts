export interface TerminalSize {
	cols: number;
	rows: number;
}

/** A shell on another machine, byte by byte. It begins paused. */
export interface RemoteTerminal {
	/** @returns false when the other side lags: hold back until `onDrain` */
	write(data: Buffer): boolean;
	resize(size: TerminalSize): void;
	pause(): void;
	resume(): void;
	/** Ends it; nothing is said after that. */
	close(): void;
}

export interface TerminalListener {
	onData(chunk: Buffer): void;
	onDrain(): void;
	/** Once. `exited`: the program ended by itself · `lost`: the connection did */
	onEnd(how: 'exited' | 'lost'): void;
}
