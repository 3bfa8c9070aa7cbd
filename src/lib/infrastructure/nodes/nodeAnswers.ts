import { z } from 'zod';

const api = z.object({ fingerprint: z.string(), subject: z.string() });
const ssh = z.object({ fingerprint: z.string(), type: z.string() });

const comparison = z.object({
	compare: z.object({ api, ssh, /** It was only looked again. */ reread: z.boolean() })
});
export type Comparison = z.output<typeof comparison>['compare'];

/** What the servers show and somebody has to compare, in the answer of a form; null where it asks for nothing. */
export function comparisonIn(answer: unknown): Comparison | null {
	return comparison.safeParse(answer).data?.compare ?? null;
}

const refusedToken = z.object({ grants: z.array(z.string()) });

/** Commands that give a refused token what it lacks, in the answer of a form. */
export function grantsIn(answer: unknown): string[] {
	return refusedToken.safeParse(answer).data?.grants ?? [];
}
