import { createSubscriber } from 'svelte/reactivity';

const subscribe = createSubscriber((update) => {
	const timer = setInterval(update, 1_000);
	return () => clearInterval(timer);
});

/** Epoch milliseconds; inside an effect or template it ticks once a second, one timer for the whole page. */
export function now(): number {
	subscribe();
	return Date.now();
}
