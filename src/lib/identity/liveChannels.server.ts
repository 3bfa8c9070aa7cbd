/** How long the hub remembers that a channel had a notice. */
const REMEMBERED_MS = 60_000;

/** Which listeners a channel has, and when it last had something to say. */
export class LiveChannels<Listener> {
	readonly #listeners = new Map<string, Set<Listener>>();
	/** Wall-clock milliseconds by channel; the oldest first. */
	readonly #spoke = new Map<string, number>();
	/** Before this time notices may have been missed. */
	#knownSince = Date.now();

	add(channel: string, listener: Listener): void {
		const listeners = this.#listeners.get(channel);
		if (listeners) listeners.add(listener);
		else this.#listeners.set(channel, new Set([listener]));
	}

	remove(channel: string, listener: Listener): void {
		const listeners = this.#listeners.get(channel);
		listeners?.delete(listener);
		if (listeners?.size === 0) this.#listeners.delete(channel);
	}

	/** Remembers the notice. @returns who listens to the channel now */
	note(channel: string): Iterable<Listener> {
		this.#spoke.delete(channel);
		this.#spoke.set(channel, Date.now());
		this.#forget();
		return this.#listeners.get(channel) ?? [];
	}

	/** After a gap nothing is known of the time before. */
	noteGap(): void {
		this.#knownSince = Date.now();
	}

	/**
	 * Whether one of the channels spoke at or after `since`. True also when that is not known: looking once too often does
	 * no harm.
	 */
	spokeSince(channels: string[], since: number): boolean {
		if (since < Math.max(this.#knownSince, Date.now() - REMEMBERED_MS)) return true;
		return channels.some((channel) => (this.#spoke.get(channel) ?? 0) >= since);
	}

	#forget(): void {
		const oldest = Date.now() - REMEMBERED_MS;
		for (const [channel, at] of this.#spoke) {
			if (at >= oldest) return;
			this.#spoke.delete(channel);
		}
	}
}
