/**
 * Works on many things, so many at a time. Whatever takes longer than `slotMs` gives its place to the next and goes on
 * beside them: who is slow delays nobody.
 */
export class Slots {
	#free: number;
	readonly #slotMs: number;
	readonly #waiting: (() => void)[] = [];
	readonly #going = new Set<Promise<void>>();

	constructor(atATime: number, slotMs: number) {
		this.#free = atATime;
		this.#slotMs = slotMs;
	}

	/** Waits for a place and begins. @param work never rejects */
	async run(work: () => Promise<void>): Promise<void> {
		if (this.#free > 0) this.#free -= 1;
		else await new Promise<void>((resolve) => this.#waiting.push(resolve));
		let isHeld = true;
		const release = () => {
			if (!isHeld) return;
			isHeld = false;
			const next = this.#waiting.shift();
			if (next) next();
			else this.#free += 1;
		};
		const timer = setTimeout(release, this.#slotMs);
		const going = work().finally(() => {
			clearTimeout(timer);
			release();
			this.#going.delete(going);
		});
		this.#going.add(going);
	}

	/** All that was begun has ended. */
	async ended(): Promise<void> {
		await Promise.all(this.#going);
	}
}
