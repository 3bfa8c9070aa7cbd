import { isMissing } from '#lib/integrations/stripe/errors.ts';

const BATCH = 1_000;

/** Everything that Stripe lists, a page at a time. @returns the ids that were there */
export async function eachAtStripe<T extends { id: string }>(
	page: (startingAfter?: string) => Promise<{ data: T[]; has_more: boolean }>,
	look: (rows: T[]) => Promise<void>
): Promise<Set<string>> {
	const seen = new Set<string>();
	let startingAfter: string | undefined;
	for (;;) {
		const { data, has_more } = await page(startingAfter);
		for (const { id } of data) seen.add(id);
		await look(data);
		startingAfter = data.at(-1)?.id;
		if (!has_more || !startingAfter) return seen;
	}
}

/** Everything of ours, a thousand at a time in the order of the ids. */
export async function eachOfOurs<T extends { id: string }>(
	batch: (after: string | undefined, take: number) => Promise<T[]>,
	look: (rows: T[]) => Promise<void>
): Promise<void> {
	let after: string | undefined;
	for (;;) {
		const rows = await batch(after, BATCH);
		await look(rows);
		after = rows.at(-1)?.id;
		if (rows.length < BATCH) return;
	}
}

/** False when Stripe says that it has no such object: one that came while we were looking is not missing. */
export async function exists(
	read: () => Promise<{ id: string; deleted?: unknown }>
): Promise<boolean> {
	try {
		return !(await read()).deleted;
	} catch (error) {
		if (isMissing(error)) return false;
		throw error;
	}
}
