import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One plain JSON document per stand-in, live in memory and written to disk shortly after each change.
 * A document is reached through its handle, so that a reset replaces it under every holder.
 */
export class Store {
	readonly #dir: string | null;
	readonly #documents = new Map<string, { value: unknown; initial: () => unknown }>();
	readonly #dirty = new Set<string>();
	#timer: NodeJS.Timeout | null = null;
	#lastFlushMs = 0;

	/** @param dir where the documents live; null keeps them in memory only */
	constructor(dir: string | null) {
		this.#dir = dir;
		if (dir) mkdirSync(dir, { recursive: true });
	}

	document<T extends object>(name: string, initial: () => T): StoreDocument<T> {
		const value = this.#read<T>(name) ?? initial();
		this.#documents.set(name, { value, initial });
		return {
			get: () => this.#documents.get(name)!.value as T,
			changed: () => this.#changed(name)
		};
	}

	/** The documents whose names begin with `prefix`, for read-outs. */
	peek(prefix: string): Record<string, unknown> {
		return Object.fromEntries(
			[...this.#documents]
				.filter(([name]) => name.startsWith(prefix))
				.map(([name, { value }]) => [name, value])
		);
	}

	/** Puts every document back to its initial state. */
	reset(): void {
		for (const [name, entry] of this.#documents) {
			entry.value = entry.initial();
			this.#changed(name);
		}
	}

	/** Writes what is waiting. Called by the timer and at shutdown. */
	flush(): void {
		const started = performance.now();
		if (this.#timer) clearTimeout(this.#timer);
		this.#timer = null;
		for (const name of this.#dirty) {
			const file = this.#file(name);
			if (!file) continue;
			writeFileSync(`${file}.tmp`, JSON.stringify(this.#documents.get(name)!.value));
			renameSync(`${file}.tmp`, file);
		}
		this.#dirty.clear();
		this.#lastFlushMs = performance.now() - started;
	}

	#changed(name: string): void {
		if (!this.#dir) return;
		this.#dirty.add(name);
		this.#timer ??= setTimeout(
			() => this.flush(),
			// Large documents are written less often, so that writing takes a tenth of the time at most.
			Math.max(200, 10 * this.#lastFlushMs)
		).unref();
	}

	#file(name: string): string | null {
		return this.#dir && join(this.#dir, `${name}.json`);
	}

	#read<T>(name: string): T | null {
		const file = this.#file(name);
		if (!file) return null;
		try {
			return JSON.parse(readFileSync(file, 'utf8')) as T;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
			throw new Error(`${file} is damaged; delete it or start with --fresh`, { cause: error });
		}
	}
}

export interface StoreDocument<T> {
	get(): T;
	/** Says that the document was changed in place. */
	changed(): void;
}
