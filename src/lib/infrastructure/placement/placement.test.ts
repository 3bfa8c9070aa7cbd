import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	judge,
	judgeShared,
	rejections,
	RESOURCES,
	type Candidate,
	type SharedCandidate,
	type Wanted
} from './placement.ts';
import { rejectionSentence } from './rejections.ts';
import { simulate } from './simulate.ts';

const node = (overrides: Partial<Candidate> = {}): Candidate => ({
	nodeId: overrides.name ?? 'pve1',
	name: 'pve1',
	clusterId: 'c1',
	region: 'default',
	status: 'online',
	limit: { cpuCores: 64, ramMb: 65_536, diskGb: 1000 },
	committed: { cpuCores: 0, ramMb: 0, diskGb: 0 },
	containers: 0,
	maxContainers: 50,
	usedFraction: 0.1,
	priority: 100,
	freeAddresses: 200,
	freeVmids: 200,
	hasTemplate: true,
	...overrides
});
/** With two cores it opens 46 connections: of five workers, of scheduled jobs, of websockets. */
const wanted: Wanted = { isolation: 'dedicated', cpuCores: 2, ramMb: 4096, diskGb: 50 };
/** A server of databases on pve1. */
const pg = (load: number, free: number) => ({
	...{ containerId: `pg-${load}`, nodeId: 'pve1', load, free }
});

describe('a node', () => {
	it.each<[string, Partial<Candidate>, Partial<Wanted>, object]>([
		['is offline', { status: 'offline' }, {}, { code: 'offline' }],
		['is in maintenance', { status: 'maintenance' }, {}, { code: 'maintenance' }],
		[
			'is in another region',
			{ region: 'quito' },
			{ region: 'lima' },
			{ code: 'region', wanted: 'lima', has: 'quito' }
		],
		['is in another cluster', {}, { clusterId: 'c2' }, { code: 'cluster' }],
		[
			'has no cores left',
			{ committed: { cpuCores: 63, ramMb: 0, diskGb: 0 } },
			{},
			{ code: 'cpuCores', wanted: 2, free: 1 }
		],
		[
			'has no memory left',
			{ committed: { cpuCores: 0, ramMb: 65_000, diskGb: 0 } },
			{},
			{ code: 'ramMb', wanted: 4096, free: 536 }
		],
		[
			'has no disk left and promised more than it has',
			{ committed: { cpuCores: 0, ramMb: 0, diskGb: 1010 } },
			{},
			{ code: 'diskGb', wanted: 50, free: 0 }
		],
		['has its containers', { containers: 50 }, {}, { code: 'containers', max: 50 }],
		['has no addresses', { freeAddresses: 0 }, {}, { code: 'addresses' }],
		['has no VMIDs', { freeVmids: 0 }, {}, { code: 'vmids' }],
		['has no template', { hasTemplate: false }, {}, { code: 'template' }],
		['has no server of databases', { databases: [] }, {}, { code: 'database_server' }],
		['has full ones alone', { databases: [pg(0, 45)] }, {}, { code: 'database_server_full' }]
	])('%s and says so', (_what, overrides, change, reason) => {
		expect(rejections(node(overrides), { ...wanted, ...change })).toEqual([reason]);
	});

	it('says everything that speaks against it', () => {
		const full = node({ status: 'offline', containers: 50, freeAddresses: 0 });
		expect(rejections(full, wanted).map(({ code }) => code)).toEqual([
			'offline',
			'containers',
			'addresses'
		]);
	});

	it('takes one after the other until the servers of databases have no connections left', () => {
		const candidates = [
			node({ databases: [pg(0, 100), pg(1, 50)] }),
			node({ name: 'pve2', databases: [pg(0, 100), pg(1, 50)] })
		];
		const ahead = { ...wanted, nodeId: 'pve1', clusterId: 'c1', postgresContainerId: 'pg-0' };
		const question = { wanted, count: 9, candidates, shared: [], warm: [], held: [ahead] };
		const found = simulate({ ...question, newShared: { ...wanted, slots: 4 } });
		expect(found).toMatchObject({ fits: 4, yielded: 1 });
		expect(found.full.map(({ reasons }) => reasons)).toEqual([
			[{ code: 'database_server_full' }],
			[{ code: 'database_server_full' }]
		]);
	});

	it('takes exactly what is left', () => {
		expect(rejections(node({ limit: { cpuCores: 2, ramMb: 4096, diskGb: 50 } }), wanted)).toEqual(
			[]
		);
	});
});

describe('the order', () => {
	it('is least committed, then least used, then priority, then name', () => {
		const committed = { cpuCores: 0, ramMb: 0, diskGb: 500 };
		const order = judge(
			[
				node({ name: 'z' }),
				node({ name: 'full', containers: 50 }),
				node({ name: 'busy', usedFraction: 0.9 }),
				node({ name: 'preferred', priority: 200 }),
				node({ name: 'promised', committed }),
				node({ name: 'unmeasured', usedFraction: null }),
				node({ name: 'a' })
			],
			wanted
		);
		expect(order.map(({ candidate }) => candidate.name)).toEqual([
			'preferred',
			'a',
			'z',
			'busy',
			'unmeasured',
			'promised',
			'full'
		]);
	});
});

describe('a shared container', () => {
	const shared = (overrides: Partial<SharedCandidate> = {}): SharedCandidate => ({
		containerId: 'x',
		vmid: 200,
		nodeId: 'pve1',
		clusterId: 'c1',
		region: 'default',
		nodeStatus: 'online',
		status: 'running',
		retiring: false,
		warm: false,
		slots: 8,
		taken: 3,
		...overrides
	});

	it.each<[Partial<SharedCandidate>, object]>([
		[{ taken: 8 }, { code: 'full', slots: 8 }],
		[{ nodeStatus: 'offline' }, { code: 'node_offline' }],
		[{ nodeStatus: 'maintenance' }, { code: 'node_maintenance' }],
		[{ retiring: true }, { code: 'not_usable' }],
		[{ status: 'error' }, { code: 'not_usable' }],
		[{ region: 'quito' }, { code: 'region', wanted: 'default', has: 'quito' }],
		[{ clusterId: 'c2' }, { code: 'cluster' }]
	])('%j is refused with its reason', (overrides, reason) => {
		const [verdict] = judgeShared([shared(overrides)], { region: 'default', clusterId: 'c1' });
		expect(verdict).toMatchObject({ fits: false, reasons: [reason] });
	});

	it('with the most room goes first, one that is being made included', () => {
		const order = judgeShared(
			[
				shared({ vmid: 200, taken: 8 }),
				shared({ vmid: 202, taken: 1, status: 'provisioning' }),
				shared({ vmid: 201, taken: 5 })
			],
			{}
		);
		expect(order.map(({ candidate }) => candidate.vmid)).toEqual([202, 201, 200]);
	});
});

describe('a reason', () => {
	it('is a sentence with its figures', () => {
		const full = node({ committed: { cpuCores: 64, ramMb: 65_000, diskGb: 990 }, containers: 50 });
		const sentences = rejections(full, wanted).map((reason) => rejectionSentence(reason, 'es'));
		expect(sentences).toEqual([
			'Pide 2 núcleos y quedan 0.',
			'Pide 4 GB de RAM y quedan 536 MB.',
			'Pide 50 GB de disco y quedan 10 GB.',
			'Ya tiene el máximo de 50 contenedores.'
		]);
	});
});

describe('whatever is asked in whatever order', () => {
	const resources = (most: number) =>
		fc.record({
			cpuCores: fc.integer({ min: 1, max: most }),
			ramMb: fc.integer({ min: 1, max: most }),
			diskGb: fc.integer({ min: 1, max: most })
		});
	const world = fc.array(
		fc.record({
			limit: resources(60),
			maxContainers: fc.integer({ min: 0, max: 6 }),
			freeAddresses: fc.integer({ min: 0, max: 8 }),
			freeVmids: fc.integer({ min: 0, max: 8 }),
			status: fc.constantFrom('online', 'online', 'offline', 'maintenance'),
			usedFraction: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null }),
			priority: fc.integer({ min: 0, max: 3 })
		}),
		{ minLength: 1, maxLength: 5 }
	);

	it('no node is promised more than its limit, and every refusal has a reason that is true', () => {
		fc.assert(
			fc.property(world, fc.array(resources(25), { maxLength: 30 }), (shapes, requests) => {
				const nodes = shapes.map((shape, index) => node({ ...shape, name: `n${index}` }));
				for (const request of requests) {
					const verdicts = judge(nodes, { isolation: 'dedicated', ...request });
					expect(verdicts).toHaveLength(nodes.length);
					for (const { candidate, fits, reasons } of verdicts) {
						expect(fits).toBe(reasons.length === 0);
						const hasRoom =
							candidate.status === 'online' &&
							candidate.containers < candidate.maxContainers &&
							candidate.freeAddresses > 0 &&
							candidate.freeVmids > 0 &&
							RESOURCES.every(
								(code) => candidate.committed[code] + request[code] <= candidate.limit[code]
							);
						expect(fits).toBe(hasRoom);
					}
					const best = verdicts[0];
					if (!best?.fits) continue;
					const chosen = best.candidate;
					for (const code of RESOURCES) chosen.committed[code] += request[code];
					chosen.containers += 1;
					chosen.freeAddresses -= 1;
					chosen.freeVmids -= 1;
				}
				for (const { committed, limit, containers, maxContainers } of nodes) {
					for (const code of RESOURCES) expect(committed[code]).toBeLessThanOrEqual(limit[code]);
					expect(containers).toBeLessThanOrEqual(maxContainers);
				}
			})
		);
	});
});
