import { describe, expect, it } from 'vitest';
import { TenantStatus } from '#prisma/generated/enums.ts';
import { mayBecome } from './tenantStates.ts';

/** The table of the domain with docs/decisions/009 and 010, written a second time, so that a slip in one of the two shows. */
const ALLOWED = `
requested → waiting_capacity provisioning enrolling deleted
waiting_capacity → provisioning refunded deleting
enrolling → active deleting
provisioning → active waiting_capacity failed
failed → provisioning refunded deleting
active → degraded suspended migrating deleting
degraded → active suspended migrating deleting
suspended → active migrating deleting
migrating → active degraded suspended
deleting → deleted active degraded suspended`;

const allowed = new Set(
	ALLOWED.trim()
		.split('\n')
		.flatMap((line) => {
			const [from, to] = line.split(' → ');
			return to!.split(' ').map((target) => `${from} ${target}`);
		})
);

describe('tenant states', () => {
	const states = Object.values(TenantStatus);
	const pairs = states.flatMap((from) => states.map((to) => [from, to] as const));

	it.each(pairs)('%s to %s', (from, to) => {
		expect(mayBecome(from, to)).toBe(allowed.has(`${from} ${to}`));
	});
});
