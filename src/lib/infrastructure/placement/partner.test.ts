import { describe, expect, it } from 'vitest';
import { makeRoom } from './makeRoom.ts';
import { judge, type Candidate, type Wanted } from './placement.ts';
import { rejectionSentence } from './rejections.ts';
import { simulate } from './simulate.ts';

const node = (overrides: Partial<Candidate> & { name: string }): Candidate => ({
	...{ nodeId: overrides.name, clusterId: 'c1', region: 'default', status: 'online' },
	limit: { cpuCores: 64, ramMb: 65_536, diskGb: 1000 },
	committed: { cpuCores: 0, ramMb: 0, diskGb: 0 },
	...{ containers: 0, maxContainers: 50, usedFraction: 0.1, priority: 100 },
	...{ freeAddresses: 200, freeVmids: 200, hasTemplate: true },
	...overrides
});
const wanted: Wanted = { isolation: 'dedicated', cpuCores: 2, ramMb: 4096, diskGb: 50 };

describe('a place with a second node', () => {
	const ha: Wanted = { ...wanted, isolation: 'dedicated_ha' };
	const share = { storage: 'ceph', own: true, shared: true, freeGb: 900 };
	const zfs = { storage: 'tank', own: false, shared: false, freeGb: 400 };
	const able = (...storages: (typeof share)[]) => ({
		...{ hasRules: true, hasTemplate: false, storages }
	});
	const three = (...changes: Partial<Candidate>[]) =>
		['pve1', 'pve2', 'pve3'].map((name, at) => node({ name, ha: able(share), ...changes[at] }));
	const found = (nodes: Candidate[]) =>
		judge(nodes, ha).map(({ candidate, reasons, partner }) => [
			candidate.name,
			partner ? `${partner.candidate.name} ${partner.storage.storage}` : reasons[0]!.code
		]);
	const full = { committed: { cpuCores: 0, ramMb: 64_000, diskGb: 0 } };

	it('is the best of those that share a storage with it and have the whole room', () => {
		expect(found(three())).toEqual([
			['pve1', 'pve2 ceph'],
			['pve2', 'pve1 ceph'],
			['pve3', 'pve1 ceph']
		]);
		expect(found(three({}, { status: 'maintenance' }, {}))[0]).toEqual(['pve1', 'pve3 ceph']);
		expect(found(three({}, full, full))[0]).toEqual(['pve1', 'ha_partner']);
	});

	it.each<[string, Candidate[], string]>([
		['two nodes have no majority without one', three().slice(0, 2), 'ha_quorum'],
		['one of three is away', three({}, {}, { status: 'offline' }), 'ha_quorum'],
		['nothing is shared', three({ ha: able() }, { ha: able() }, { ha: able() }), 'ha_storage'],
		['nobody has looked', three({ ha: undefined }), 'ha_storage'],
		['Proxmox is too old', three({ ha: { ...able(share), hasRules: false } }), 'ha_version']
	])('is none where %s', (_why, nodes, code) => {
		const own = judge(nodes, ha).find(({ candidate }) => candidate.name === 'pve1')!;
		expect(own.reasons.map((reason) => reason.code)).toContain(code);
		for (const reason of own.reasons) expect(rejectionSentence(reason, 'es')).toMatch(/\.$/);
	});

	it('on copied storage is beside the template alone, and takes its disk from there', () => {
		const copied = { ha: able(zfs), limit: { cpuCores: 64, ramMb: 65_536, diskGb: 0 } };
		const nodes = three({ ...copied, ha: { ...able(zfs), hasTemplate: true } }, copied, copied);
		expect(found(nodes)).toEqual([
			['pve1', 'pve2 tank'],
			['pve2', 'diskGb'],
			['pve3', 'diskGb']
		]);
		const codes = judge(nodes, ha).map(({ reasons }) => reasons.map(({ code }) => code));
		expect(codes[1]).toContain('ha_template');
	});

	it('is counted by a sale on both nodes', () => {
		const small = { limit: { cpuCores: 4, ramMb: 8192, diskGb: 100 } };
		const sale = simulate({
			...{ wanted: ha, count: 10, candidates: three(small, small, small) },
			...{ shared: [], warm: [], held: [], newShared: { ...wanted, slots: 1 } }
		});
		// Each node has room for two, and every one takes two.
		expect(sale.fits).toBe(3);
	});

	it('is made room for by moving something off the node that would take over', () => {
		const plan = makeRoom(
			three({}, full, full),
			[
				{
					...{ containerId: 'c', vmid: 301, hostname: 'c', nodeId: 'pve2', tenants: [] },
					...{ clusterId: 'c1', haNodeId: null, ownStorage: false },
					...{ cpuCores: 1, ramMb: 8192, diskGb: 10 }
				}
			],
			ha
		);
		expect(plan).toMatchObject({
			...{ node: { name: 'pve2' } },
			moves: [{ from: { name: 'pve2' }, to: { name: 'pve1' } }]
		});
	});
});
