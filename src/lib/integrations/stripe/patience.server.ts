import Stripe from 'stripe';
import { patienceLeft } from '#lib/core/patience.server.ts';

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;

/** Milliseconds of one attempt while somebody waits and Stripe was lately away: enough to see that it is back. */
const BRIEF_MS = 2_500;
/** How long a failure makes attempts brief. */
const LATELY_MS = 60_000;

/**
 * Node's own HTTP client of the SDK, which waits no longer than whoever asks: of a request that somebody waits for, all
 * attempts together get what `whileSomebodyWaits` gives, and little once Stripe is known to be away.
 */
export function patientHttp(): HttpClient {
	const inner = Stripe.createNodeHttpClient();
	let failedAt = -Infinity;
	const longest = (usual: number): number => {
		const left = patienceLeft();
		if (left === null) return usual;
		const isAway = performance.now() - failedAt < LATELY_MS;
		return Math.min(usual, left, isAway ? BRIEF_MS : usual);
	};
	return {
		getClientName: () => inner.getClientName(),
		makeRequest: async (host, port, path, method, headers, body, protocol, timeout) => {
			const wait = Math.floor(longest(timeout));
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
				throw error;
			}
		}
	};
}
