import { describe, expect, it } from 'vitest';
import { CustomDomainStatus } from '#prisma/generated/enums.ts';
import { mayBecome } from './domainStates.ts';

/** The table of the domain, written a second time, so that a slip in one of the two shows. */
const ALLOWED = `
pending → verifying removed
verifying → active pending error removed
active → error inactive removed
error → verifying removed
inactive → active removed`;

const allowed = new Set(
	ALLOWED.trim()
		.split('\n')
		.flatMap((line) => {
			const [from, to] = line.split(' → ');
			return to!.split(' ').map((target) => `${from} ${target}`);
		})
);

describe('states of a custom domain', () => {
	const states = Object.values(CustomDomainStatus);
	const pairs = states.flatMap((from) => states.map((to) => [from, to] as const));

	it.each(pairs)('%s to %s', (from, to) => {
		expect(mayBecome(from, to)).toBe(allowed.has(`${from} ${to}`));
	});
});
