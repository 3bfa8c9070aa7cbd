import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds of many answers. */
export interface Times {
	count: number;
	failed: number;
	p50: number;
	p95: number;
	p99: number;
	most: number;
	/** Answers in a second. */
	perSecond: number;
}

/** The value below which `share` (0 to 1) of the values lie. NaN of none. */
export function percentile(values: number[], share: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

export function timesOf(values: number[], failed = 0, seconds = 1): Times {
	return {
		count: values.length,
		failed,
		p50: percentile(values, 0.5),
		p95: percentile(values, 0.95),
		p99: percentile(values, 0.99),
		most: percentile(values, 1),
		perSecond: values.length / seconds
	};
}

/**
 * `concurrency` askers ask again as soon as they have their answer, until `count` answers or `seconds` are over.
 * @param ask throws when the answer is wrong
 */
export async function hammer(
	ask: () => Promise<unknown>,
	{ concurrency, count, seconds }: { concurrency: number; count: number; seconds: number }
): Promise<Times> {
	const values: number[] = [];
	let begun = 0;
	let failed = 0;
	const started = performance.now();
	const asker = async () => {
		while (begun < count && performance.now() - started < seconds * 1_000) {
			begun += 1;
			const at = performance.now();
			try {
				await ask();
				values.push(performance.now() - at);
			} catch {
				failed += 1;
			}
		}
	};
	await Promise.all(Array.from({ length: concurrency }, asker));
	return timesOf(values, failed, (performance.now() - started) / 1_000);
}

/**
 * Asks at a fixed rate whatever the answers take, and counts from when the question was due: a server that falls behind
 * cannot hide it by slowing the asker down.
 */
export async function steadily(
	ask: (n: number) => Promise<unknown>,
	{ perSecond, seconds }: { perSecond: number; seconds: number }
): Promise<Times> {
	const values: number[] = [];
	const answers: Promise<void>[] = [];
	let failed = 0;
	const started = performance.now();
	for (let n = 0; n < perSecond * seconds; n++) {
		const due = started + (n * 1_000) / perSecond;
		const wait = due - performance.now();
		if (wait > 0) await sleep(wait);
		answers.push(
			ask(n).then(
				() => void values.push(performance.now() - due),
				() => void (failed += 1)
			)
		);
	}
	await Promise.all(answers);
	return timesOf(values, failed, (performance.now() - started) / 1_000);
}
