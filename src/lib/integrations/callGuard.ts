/**
 * Decides whether a vendor is asked at all, and hears how that went: what a circuit breaker hangs on. Only connections
 * count: whatever a vendor answers, it is there.
 */
export interface CallGuard {
	/** Why nothing is sent now, for the log; null: go on. */
	refusal(): Promise<string | null>;
	/** It answered, or the connection stands. */
	answered(): Promise<void>;
	/** No connection that may be trusted came about: nothing was sent. */
	unconnected(reason: string): Promise<void>;
}

/** How a call ended, as far as its connection is concerned; `unknown`: it stood, and the answer never came. */
export type Connection = 'answered' | 'unconnected' | 'unknown';

/** Does one attempt and tells the guard how it ended. @param connectionOf reads that from an error */
export async function guarded<T>(
	guard: CallGuard | undefined,
	connectionOf: (error: unknown) => Connection,
	attempt: () => Promise<T>
): Promise<T> {
	if (!guard) return attempt();
	try {
		const result = await attempt();
		await guard.answered();
		return result;
	} catch (error) {
		const connection = connectionOf(error);
		if (connection === 'answered') await guard.answered();
		if (connection === 'unconnected')
			await guard.unconnected(error instanceof Error ? error.message : String(error));
		throw error;
	}
}
