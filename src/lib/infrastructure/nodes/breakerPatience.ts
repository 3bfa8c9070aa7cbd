/** How patient the breaker of a node is; tests shorten it. Milliseconds. */
export const breakerPatience = {
	/** After a connection failed nobody tries again for so long. */
	pauseMs: 5_000,
	/** A probe that has not ended after this time is taken for lost, and another caller may probe. */
	probeMs: 20_000
};
