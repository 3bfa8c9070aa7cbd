import { describe, expect, it } from 'vitest';
import { placingState, toldProblems, type Health } from './health.ts';
import { judgeHealth, type Seen, type SeenStorage } from './healthJudgement.ts';
import { PATHS, PRIVILEGES, type Permissions } from './privileges.ts';

const storage = (used: number, more: Partial<SeenStorage> = {}): SeenStorage => ({
	...{ storage: 'ceph', type: 'rbd', content: ['rootdir'], shared: true, active: true },
	...{ totalGb: 1_000, usedGb: used * 1_000, ...more }
});
const seen = (more: Partial<Seen> = {}, storages: SeenStorage[] | null = [storage(0.1)]): Seen => ({
	at: new Date('2026-11-22T07:00:00Z'),
	api: { ms: 12 },
	ssh: { ms: 40 },
	skewMs: 200,
	cluster: { quorate: true, online: 3, members: 3, storages },
	rootfsStorage: 'ceph',
	isFirst: true,
	version: '9.1.6',
	permissions: null,
	...more
});
/** One look after the other, each in the light of the one before. */
const looks = (...all: Seen[]) =>
	all.reduce<Health[]>((before, one) => [...before, judgeHealth(one, before.at(-1) ?? null)], []);

const split = { quorate: false, online: 1, members: 3 };
/** Every privilege but these. */
const held = (...without: string[]): Permissions =>
	Object.fromEntries(
		PATHS.map((path) => [
			path,
			Object.fromEntries(
				PRIVILEGES.filter((one) => one.path === path && !without.includes(one.name)).map(
					({ name }) => [name, 1]
				)
			)
		])
	);

describe('a look', () => {
	it('does not flap at a limit: what has been too much must be clearly less to be well', () => {
		const clocks = looks(...[5_100, 4_900, 3_900, 4_900].map((skewMs) => seen({ skewMs })));
		expect(clocks.map(({ clock }) => clock.state)).toEqual(['warning', 'warning', 'ok', 'ok']);
		const fills = looks(...[0.96, 0.94, 0.92, 0.84, 0.82].map((used) => seen({}, [storage(used)])));
		expect(fills.map(({ storage: { faults } }) => faults[0]?.code ?? null)).toEqual([
			...['full', 'full', 'filling', 'filling', null]
		]);
	});

	it('keeps what was wrong while nobody can see it, and since when', () => {
		const at = new Date('2026-11-22T07:05:00Z');
		const [first, dark] = looks(
			seen({ skewMs: 90_000 }, [storage(0.99)]),
			seen({ at, skewMs: null, cluster: null, api: { kind: 'unreachable', error: 'gone' } })
		);
		expect(dark!.storage).toEqual({ state: 'unknown', rootfs: 'unknown', faults: [] });
		expect(dark!.clock.state).toBe('unknown');
		const known = (health: Health) => health.problems.map(({ key, since }) => `${key} ${since}`);
		for (const one of known(first!)) expect(known(dark!)).toContain(one);
		expect(known(dark!)).toContain(`api ${at.toISOString()}`);
	});

	it('says what containers lie on that is not there, and a storage that is away', () => {
		const [missing] = looks(seen({}, [storage(0.1, { storage: 'local', shared: false })]));
		expect(missing!.storage).toMatchObject({
			...{ rootfs: 'error', faults: [{ storage: 'ceph', code: 'missing' }] }
		});
		const backups = { storage: 'backups', active: false, totalGb: null, usedGb: null };
		const [away] = looks(seen({}, [storage(0.1), storage(0, backups)]));
		expect(away!.storage).toMatchObject({ state: 'error', rootfs: 'ok' });
	});

	it('calls an old release old, a cluster without quorum so, and a host that stands alone well', () => {
		const alone = { quorate: null, online: null, members: 1, storages: [storage(0.1)] };
		const [health] = looks(seen({ version: '7.4-17', cluster: alone }));
		expect(health).toMatchObject({ version: { state: 'warning' }, cluster: { state: 'ok' } });
		const alarm = looks(seen({ cluster: { ...split, storages: [storage(0.1)] } }));
		expect(alarm[0]!.cluster.state).toBe('error');
	});

	it('that asks for something else keeps what the clock was, and how often it was seen', () => {
		const { skewMs: _unasked, ...other } = seen();
		const [first, next] = looks(seen({ skewMs: 70_000 }), other);
		expect(next!.clock).toEqual(first!.clock);
		expect(toldProblems('online', next!)).toEqual([]);
	});
});

describe('staff', () => {
	it('are told at the second look, by one node of what all share, and of nothing in maintenance', () => {
		const full = [storage(0.99)];
		const [once, twice] = looks(seen({}, full), seen({}, full));
		expect(toldProblems('online', once!)).toEqual([]);
		expect(toldProblems('online', twice!)).toMatchObject([{ key: 'storage:ceph' }]);
		expect(toldProblems('maintenance', twice!)).toEqual([]);
		const other = looks(seen({ isFirst: false }, full), seen({ isFirst: false }, full));
		expect(toldProblems('online', other[1]!)).toEqual([]);
	});
});

describe('placement', () => {
	it('gets only nodes that are online, answered the last look, and have room for containers', () => {
		const well = { status: 'online', haltedAt: null, misses: 0, health: looks(seen())[0] } as const;
		expect(placingState(well)).toBe('online');
		expect(placingState({ ...well, health: null })).toBe('online');
		const off = looks(seen({ skewMs: 50_000, ssh: { kind: 'no_key', error: '' } }))[0];
		expect(placingState({ ...well, health: off })).toBe('online');
		for (const unwell of [
			{ misses: 1 },
			{ haltedAt: new Date() },
			{ health: looks(seen({}, [storage(0.97)]))[0] },
			{ health: looks(seen({ ssh: { kind: 'unauthorized', error: '' } }))[0] },
			{ health: looks(seen({ skewMs: -61_000 }))[0] },
			{ health: looks(seen({ permissions: held('VM.Clone') }))[0] },
			{ health: looks(seen({ cluster: { ...split, storages: [storage(0.1)] } }))[0] }
		])
			expect(placingState({ ...well, ...unwell })).toBe('unwell');
		// What it lacks for consoles and backups, and what it has only where it is needed, keeps nothing from being made.
		const enough = {
			...held('VM.Console', 'VM.Backup', 'SDN.Use'),
			'/sdn/zones/lan': { 'SDN.Use': 1 }
		};
		const [lacking] = looks(seen({ permissions: enough }));
		expect(lacking!.privileges).toMatchObject({ state: 'error', creates: true });
		expect(placingState({ ...well, health: lacking })).toBe('online');
		for (const status of ['offline', 'maintenance'] as const)
			expect(placingState({ ...well, status, haltedAt: new Date() })).toBe(status);
	});
});
