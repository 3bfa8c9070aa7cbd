import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { Placed } from '../../../../tests/setup/containers.ts';
import { testGuarded } from '../../../../tests/setup/guarded.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { ensureHa, removeHa } from './ha.server.ts';

const world = await testGuarded();
const { sandbox, pve, ha, rowOf, guarded, inProxmox } = world;
let placed: Placed;
beforeAll(async () => {
	await world.copiesDisks();
	placed = await guarded();
});
beforeEach(() => world.begin());

const CALLS = [
	'POST /api2/json/cluster/replication',
	'POST /api2/json/cluster/ha/resources',
	'POST /api2/json/cluster/ha/rules',
	'GET /api2/json/cluster/ha/status',
	'GET /api2/json/nodes/[^/]+/replication',
	'DELETE /api2/json/cluster/ha/resources',
	'DELETE /api2/json/cluster/replication'
];
const FAULTS = [
	{ kind: 'status' as const, status: 500, what: 'is refused with 500' },
	{ kind: 'status' as const, status: 595, what: 'finds the node away' },
	{ kind: 'reset' as const, when: 'after' as const, what: 'takes effect and its answer is lost' }
];
it.each(CALLS.flatMap((call) => FAULTS.map((fault) => ({ ...fault, call }))))(
	'comes under the manager and out of it again when $call $what',
	async ({ call, what: _what, ...fault }) => {
		const { id, vmid } = await rowOf(placed);
		let struck = 0;
		const strike = () =>
			void sandbox.kernel.faults.add({
				...{ ...fault, target: 'proxmox', match: `^${call}`, times: 2 },
				onTaken: () => (struck += 1)
			});
		strike();
		await eventually(
			() =>
				removeHa(placed.run, id).then(
					() => true as const,
					() => undefined
				),
			20
		);
		expect(ha.state).toMatchObject({ resources: [], rules: [], jobs: [] });
		expect(await rowOf(placed)).toMatchObject({ haNodeId: null, guard: null });
		await eventually(
			() =>
				ensureHa(placed.run, id).then(
					({ ready }) => ready || undefined,
					() => undefined
				),
			20
		);
		const row = await rowOf(placed);
		expect(inProxmox(vmid)).toEqual({
			resource: 'started',
			nodes: [[row.at, row.standby].sort().join()],
			copies: [row.standby]
		});
		expect(struck).toBeGreaterThan(0);
		expect(pve.state.containers[vmid]!.status).toBe('running');
	}
);
