import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from '#lib/infrastructure/placement/placement.ts';
import { planDrain, stayReason, type Drainable } from './drainPlan.ts';

const node = (name: string, freeMb: number, overrides: Partial<Candidate> = {}): Candidate => ({
	...{ nodeId: name, name, clusterId: 'c1', region: 'default', status: 'online' },
	...{ limit: { cpuCores: 64, ramMb: 65_536, diskGb: 2000 } },
	committed: { cpuCores: 4, ramMb: 65_536 - freeMb, diskGb: 100 },
	...{ containers: 3, maxContainers: 50, usedFraction: 0.2, priority: 100 },
	...{ freeAddresses: 0, freeVmids: 0, hasTemplate: false },
	...overrides
});
const container = (vmid: number, ramMb: number, overrides: Partial<Drainable> = {}): Drainable => ({
	...{ containerId: `ct${vmid}`, vmid, hostname: `erp-${vmid}`, clusterId: 'c1', nodeId: 'pve1' },
	...{
		purpose: 'odoo',
		status: 'running',
		adopted: false,
		retiring: false,
		moving: false,
		held: false
	},
	...{
		warm: false,
		haNodeId: null,
		ownStorage: false,
		expectedMs: 60_000,
		cpuCores: 1,
		ramMb,
		diskGb: 10
	},
	tenants: [{ id: `t${vmid}`, slug: `t${vmid}`, company: `T ${vmid}` }],
	...overrides
});
const ways = (plan: ReturnType<typeof planDrain>) =>
	plan.moves.map(({ container: { vmid }, to }) => [vmid, to.name]);

describe('a node is emptied', () => {
	it('with the largest choosing first, each taking its room from the next, and the smallest going first', () => {
		const nodes = [node('pve1', 0), node('pve2', 9000), node('pve3', 8500)];
		const plan = planDrain(
			[container(201, 2048), container(202, 8192), container(203, 6144)],
			nodes
		);
		expect(ways(plan)).toEqual([
			[201, 'pve3'],
			[203, 'pve3'],
			[202, 'pve2']
		]);
		expect(plan).toMatchObject({ stuck: [], stays: [], expectedMs: 180_000 });
		expect(plan.tenants.map(({ slug }) => slug)).toEqual(['t201', 't202', 't203']);
	});

	it('onto no node in maintenance, of another cluster, or that is itself', () => {
		const nodes = [
			node('pve1', 60_000),
			node('pve2', 60_000, { status: 'maintenance' }),
			node('pve3', 60_000, { clusterId: 'c2' }),
			node('pve4', 1024)
		];
		const plan = planDrain([container(201, 2048)], nodes);
		expect(plan.moves).toEqual([]);
		expect(plan.stuck[0]!.nodes.map(({ candidate, reasons }) => [candidate.name, reasons])).toEqual(
			[
				['pve2', [{ code: 'maintenance' }]],
				['pve4', [{ code: 'ramMb', wanted: 2048, free: 1024 }]]
			]
		);
	});

	it('with what has a second node going there alone, where its room is promised already', () => {
		const pair = container(201, 8192, { haNodeId: 'pve3' });
		const plan = planDrain([pair], [node('pve2', 60_000), node('pve3', 0)]);
		expect(ways(plan)).toEqual([[201, 'pve3']]);
		// It is counted there already, up to the last one that it may have.
		const counted = node('pve3', 0, { containers: 3, maxContainers: 3 });
		expect(ways(planDrain([pair, container(202, 8192, { haNodeId: 'pve3' })], [counted]))).toEqual([
			[201, 'pve3'],
			[202, 'pve3']
		]);
		expect(planDrain([container(203, 10)], [counted]).stuck).toHaveLength(1);
		const away = node('pve3', 0, { status: 'offline' });
		const [stuck] = planDrain([pair], [node('pve2', 60_000), away]).stuck;
		expect(stuck!.nodes.map(({ candidate: { name } }) => name)).toEqual(['pve3']);
	});

	it('without asking the disk of a node for what lies on another storage', () => {
		const full = node('pve2', 60_000, { limit: { cpuCores: 64, ramMb: 65_536, diskGb: 100 } });
		expect(planDrain([container(201, 10)], [full]).stuck).toHaveLength(1);
		expect(ways(planDrain([container(201, 10, { ownStorage: true })], [full]))).toHaveLength(1);
	});

	it('without those that stay, and says why they do', () => {
		const stays = {
			template: container(201, 10, { purpose: 'template' }),
			adopted: container(202, 10, { adopted: true }),
			postgres: container(203, 10, { purpose: 'postgres' }),
			warm: container(204, 10, { warm: true }),
			being_made: container(205, 10, { status: 'provisioning' }),
			retiring: container(206, 10, { retiring: true }),
			error: container(207, 10, { status: 'error' })
		};
		const moving = container(208, 10, { moving: true });
		const plan = planDrain([...Object.values(stays), moving], [node('pve2', 60_000)]);
		expect(plan.moves).toEqual([]);
		expect(plan.moving).toEqual([moving]);
		expect(plan.stays).toEqual(
			Object.entries(stays).map(([reason, one]) => ({ container: one, reason }))
		);
		expect(stayReason(container(209, 10, { status: 'stopped' }))).toBeNull();
	});

	it('says that the time is not known when of one it is not', () => {
		const list = [container(201, 10), container(202, 10, { expectedMs: null })];
		expect(planDrain(list, [node('pve2', 60_000)]).expectedMs).toBeNull();
	});

	it('promising no node more than it has, and forgetting nobody, whatever there is', () => {
		const sizes = fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 12 });
		fc.assert(
			fc.property(sizes, sizes, (memory, free) => {
				const nodes = free.map((mb, i) => node(`n${i}`, mb));
				const list = memory.map((mb, i) => container(200 + i, mb));
				const plan = planDrain(list, nodes);
				for (const [i, mb] of free.entries()) {
					const taken = plan.moves
						.filter(({ to }) => to.name === `n${i}`)
						.reduce((total, { container: { ramMb } }) => total + ramMb, 0);
					expect(taken).toBeLessThanOrEqual(mb);
				}
				const seen = [...plan.moves, ...plan.stuck].map(({ container: { vmid } }) => vmid);
				expect(seen.toSorted((a, b) => a - b)).toEqual(list.map(({ vmid }) => vmid));
			})
		);
	});
});
