import Stripe from 'stripe';
import { losePatience, patienceLeft } from '#lib/core/patience.server.ts';

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;

/** Milliseconds of one attempt to read while somebody waits; Stripe answers within one second. A payment takes longer. */
const READ_MS = 4_000;
/** The same once Stripe is known to be away: enough to see that it is back. */
const BRIEF_MS = 1_500;
/** How long a failure makes attempts brief. */
const LATELY_MS = 60_000;

/**
 * Node's own HTTP client of the SDK, which waits no longer than whoever asks: of a request that somebody waits for, all
 * calls together get what `whileSomebodyWaits` gives; after one that was not answered in time no more are sent.
 */
export function patientHttp(): HttpClient {
	const inner = Stripe.createNodeHttpClient();
	let failedAt = -Infinity;
	const longest = (method: string, usual: number): number => {
		const left = patienceLeft();
		if (left === null) return usual;
		const isAway = performance.now() - failedAt < LATELY_MS;
		const reading = method === 'GET' ? READ_MS : usual;
		return Math.min(usual, left, isAway ? BRIEF_MS : reading);
	};
	return {
		getClientName: () => inner.getClientName(),
		makeRequest: async (host, port, path, method, headers, body, protocol, timeout) => {
			const wait = Math.floor(longest(method, timeout));
			// Zero would mean for ever.
			if (wait < 1) throw Object.assign(new TypeError('ETIMEDOUT'), { code: 'ETIMEDOUT' });
			try {
				const answer = await inner.makeRequest(
					...([host, port, path, method, headers, body, protocol, wait] as const)
				);
				failedAt = answer.getStatusCode() >= 500 ? performance.now() : -Infinity;
				return answer;
			} catch (error) {
				failedAt = performance.now();
				if (error instanceof Error && 'code' in error && error.code === 'ETIMEDOUT') losePatience();
				throw error;
			}
		}
	};
}
