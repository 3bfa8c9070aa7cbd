import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeRoom, type Movable } from './makeRoom.ts';
import { judge, type Candidate, type SharedCandidate, type Wanted } from './placement.ts';
import { simulate } from './simulate.ts';

const node = (name: string, ramMb: number, overrides: Partial<Candidate> = {}): Candidate => ({
	...{ nodeId: name, name, clusterId: 'c1', region: 'default', status: 'online' },
	...{ limit: { cpuCores: 64, ramMb: 16_384, diskGb: 1000 } },
	...{ committed: { cpuCores: 4, ramMb, diskGb: 100 }, containers: 3, maxContainers: 50 },
	...{ usedFraction: 0.2, priority: 100, freeAddresses: 50, freeVmids: 50, hasTemplate: true },
	...overrides
});
const container = (vmid: number, nodeId: string, ramMb: number): Movable => ({
	...{ containerId: `ct${vmid}`, vmid, hostname: `erp-${vmid}`, nodeId, tenants: [`t${vmid}`] },
	...{ clusterId: 'c1', haNodeId: null, ownStorage: false },
	...{ cpuCores: 1, ramMb, diskGb: 10 }
});
const pro: Wanted = { isolation: 'dedicated', cpuCores: 2, ramMb: 4096, diskGb: 50 };

describe('room', () => {
	it('is made by moving the smallest container that is enough', () => {
		const nodes = [node('pve1', 14_336), node('pve2', 13_312)];
		const containers = [container(201, 'pve1', 8192), container(202, 'pve1', 2048)];
		expect(makeRoom(nodes, containers, pro)).toEqual({
			node: { nodeId: 'pve1', name: 'pve1' },
			moves: [
				{
					container: containers[1],
					from: { nodeId: 'pve1', name: 'pve1' },
					to: { nodeId: 'pve2', name: 'pve2' }
				}
			]
		});
	});

	it('is made by several when one is not enough, and by none that is not needed', () => {
		const nodes = [
			node('pve1', 16_384),
			node('pve2', 14_000, { priority: 1 }),
			node('pve3', 14_000)
		];
		const containers = [1536, 2048, 2048].map((ramMb, i) => container(201 + i, 'pve1', ramMb));
		const plan = makeRoom(nodes, containers, pro);
		expect(plan?.moves.map(({ container: { vmid }, to }) => [vmid, to.name])).toEqual([
			[203, 'pve3'],
			[202, 'pve2']
		]);
	});

	it('is made on a disk that is full by what lies on it', () => {
		const full = { cpuCores: 4, ramMb: 4096, diskGb: 990 };
		const nodes = [node('pve1', 0, { committed: full }), node('pve2', 16_384)];
		const lying = { ...container(201, 'pve1', 0), diskGb: 100 };
		const elsewhere = { ...container(202, 'pve1', 0), diskGb: 200, ownStorage: true };
		const plan = makeRoom(nodes, [elsewhere, lying], pro);
		expect(plan?.moves.map(({ container: { vmid } }) => vmid)).toEqual([201]);
	});

	it.each<[string, Candidate[], Movable[]]>([
		['nothing may be moved', [node('pve1', 16_384), node('pve2', 16_000)], []],
		[
			'what could be moved fits nowhere else',
			[node('pve1', 14_336), node('pve2', 16_384)],
			[container(201, 'pve1', 4096)]
		],
		[
			'what could be moved has a second node, on which it is promised as well',
			[node('pve1', 14_336), node('pve2', 13_000), node('pve3', 16_384)],
			[{ ...container(201, 'pve1', 2048), haNodeId: 'pve3' }]
		],
		[
			'disk is lacking, and what could be moved has its own elsewhere',
			[
				node('pve1', 4096, { committed: { cpuCores: 4, ramMb: 4096, diskGb: 990 } }),
				node('pve2', 16_384)
			],
			[{ ...container(201, 'pve1', 2048), ramMb: 0, diskGb: 100, ownStorage: true }]
		],
		[
			'the only other node is of another cluster',
			[node('pve1', 14_336), node('pve2', 13_000, { clusterId: 'c2' })],
			[container(201, 'pve1', 2048)]
		],
		[
			'the node is out of service',
			[node('pve1', 14_336, { status: 'maintenance' }), node('pve2', 13_000)],
			[container(201, 'pve1', 2048)]
		]
	])('is not made when %s', (_why, nodes, containers) => {
		expect(makeRoom(nodes, containers, pro)).toBeNull();
	});

	it('is there after the moves, and nobody else is promised too much, whatever the world', () => {
		const world = fc.array(fc.array(fc.integer({ min: 256, max: 9000 }), { maxLength: 6 }), {
			...{ minLength: 2, maxLength: 4 }
		});
		fc.assert(
			fc.property(world, (perNode) => {
				const containers = perNode.flatMap((sizes, n) =>
					sizes.map((ramMb, i) => container(100 * n + i, `pve${n}`, ramMb))
				);
				const nodes = perNode.map((sizes, n) =>
					node(
						`pve${n}`,
						sizes.reduce((sum, ramMb) => sum + ramMb, 0)
					)
				);
				const plan = makeRoom(nodes, containers, pro);
				if (!plan) return;
				const where = new Map(plan.moves.map(({ container: { vmid }, to }) => [vmid, to.nodeId]));
				const after = nodes.map((one) => ({
					...one,
					committed: {
						...one.committed,
						ramMb: containers
							.filter(({ vmid, nodeId }) => (where.get(vmid) ?? nodeId) === one.nodeId)
							.reduce((sum, { ramMb }) => sum + ramMb, 0)
					}
				}));
				const target = after.find(({ nodeId }) => nodeId === plan.node.nodeId)!;
				expect(judge([target], pro)[0]!.fits).toBe(true);
				for (const { to } of plan.moves) {
					const taker = after.find(({ nodeId }) => nodeId === to.nodeId)!;
					expect(taker.committed.ramMb).toBeLessThanOrEqual(taker.limit.ramMb);
				}
			}),
			{ numRuns: 300 }
		);
	});
});

describe('a sale', () => {
	const newShared = { cpuCores: 4, ramMb: 8192, diskGb: 60, slots: 10 };

	it('goes where each placement would, until nothing is left, and says what ran out', () => {
		const found = simulate({
			...{ wanted: pro, count: 20, shared: [], newShared, warm: [], held: [] },
			candidates: [node('pve1', 8192), node('pve2', 0)]
		});
		expect(found).toMatchObject({
			fits: 6,
			places: [
				{ name: 'pve2', tenants: 4, newContainers: 4 },
				{ name: 'pve1', tenants: 2, newContainers: 2 }
			]
		});
		expect(found.full).toEqual([
			{ name: 'pve1', reasons: [{ code: 'ramMb', wanted: 4096, free: 0 }] },
			{ name: 'pve2', reasons: [{ code: 'ramMb', wanted: 4096, free: 0 }] }
		]);
	});

	it('of a shared plan fills the slots there are before it makes containers', () => {
		const basic: Wanted = { isolation: 'shared', cpuCores: 1, ramMb: 2048, diskGb: 10 };
		const shared: SharedCandidate = {
			...{ containerId: 's1', vmid: 300, nodeId: 'pve1', clusterId: 'c1', region: 'default' },
			...{
				nodeStatus: 'online',
				status: 'running',
				retiring: false,
				warm: false,
				slots: 10,
				taken: 7
			}
		};
		const found = simulate({
			...{ wanted: basic, count: 40, shared: [shared], newShared, warm: [], held: [] },
			candidates: [node('pve1', 8000), node('pve2', 0)]
		});
		expect(found).toMatchObject({
			fits: 33,
			places: [
				{ name: 'pve1', tenants: 13, newContainers: 1 },
				{ name: 'pve2', tenants: 20, newContainers: 2 }
			]
		});
		expect(shared.taken).toBe(7);
	});
});
