export interface Coalescing {
	/** What comes within so many milliseconds of the first call is one. */
	togetherMs: number;
	/** So long after it began it does not begin again. */
	apartMs: number;
	/** True: not now, later. */
	isHeld?: () => boolean;
}

/**
 * Makes many calls few: `run` follows every call, at most once per `apartMs`, never twice at the same time, and once more
 * when a call came while it ran.
 * @returns what is called instead of `run`
 */
export function coalesced(
	run: () => Promise<void>,
	{ togetherMs, apartMs, isHeld = () => false }: Coalescing
): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let running = false;
	let startedAt = -Infinity;
	function soon(): void {
		timer ??= setTimeout(
			async () => {
				timer = undefined;
				if (running || isHeld()) return soon();
				running = true;
				startedAt = performance.now();
				try {
					await run();
				} finally {
					running = false;
				}
			},
			Math.max(togetherMs, startedAt + apartMs - performance.now())
		);
	}
	return soon;
}
