import { describe, expect, it } from 'vitest';
import type { Candidate } from '../placement/placement.ts';
import { planPools, type Pool, type PoolWorld } from './poolPlan.ts';

/** With two cores its Odoo opens 46 connections. */
const mould = {
	...{ isolation: 'dedicated' as const, slots: 1 },
	...{ cpuCores: 2, ramMb: 4096, diskGb: 50 }
};
const pool: Pool = {
	...{ nodeId: 'pve1', clusterId: 'c1', planId: 'p1', planKey: 'pro' },
	...{ target: 1, mould, spare: 0, isResting: false }
};
const node: Candidate = {
	...{ nodeId: 'pve1', name: 'pve1', clusterId: 'c1', region: 'default', status: 'online' },
	limit: { cpuCores: 64, ramMb: 65_536, diskGb: 1000 },
	committed: { cpuCores: 0, ramMb: 0, diskGb: 0 },
	...{ containers: 0, maxContainers: 50, usedFraction: 0.1, priority: 100 },
	...{ freeAddresses: 200, freeVmids: 200, hasTemplate: true }
};

/** What the plan does about one container that is missing: it is made, or why it is not. */
function missing(changes: Partial<PoolWorld>, on: Partial<Candidate> = {}): unknown {
	const { make, waits } = planPools({
		...{ pools: [pool], warm: [], candidates: [{ ...node, ...on }] },
		...{ templates: new Map([['c1', 't1']]), busy: new Set<string>() },
		...{ somebodyWaits: false, reserve: 2 },
		...changes
	});
	expect(make.length === 1).toBe(waits.get(pool) === null);
	return waits.get(pool);
}

describe('a container is made ahead where room is left for as many customers as are kept room for', () => {
	const pg = (free: number) => ({ containerId: `pg-${free}`, nodeId: 'pve1', load: 0, free });

	it.each([
		['each has memory', {}, null],
		['one of three has none', { limit: { ...node.limit, ramMb: 3 * 4096 - 1 } }, 'no_room'],
		['one of three has no VMID', { freeVmids: 2 }, 'no_room'],
		['nobody has a server of databases', { databases: [] }, 'no_server'],
		['each has connections', { databases: [pg(3 * 46)] }, null],
		['one of three has no connections', { databases: [pg(3 * 46 - 1)] }, 'server_full']
	])('%s', (_, on, why) => expect(missing({}, on)).toBe(why));

	it('and nobody waits', () => {
		expect(missing({ somebodyWaits: true })).toBe('wanted');
		expect(missing({ busy: new Set(['c1']) })).toBe('busy');
		expect(missing({ templates: new Map() })).toBe('no_template');
	});
});
