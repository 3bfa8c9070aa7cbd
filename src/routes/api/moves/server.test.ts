import type { RequestHandler } from '@sveltejs/kit';
import { expect, test, vi } from 'vitest';
import { requestEvent } from '../../../../tests/access/event.ts';
import { bearerFor, createStaff } from '../../../../tests/factories/identity.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { PATIENCE, testDrains } from '../../../../tests/setup/nodeDrains.ts';
import { db } from '#lib/core/db.server.ts';

vi.setConfig({ testTimeout: PATIENCE });
const { id, put, leave, until, whereabouts } = await testDrains();
// What a request goes through reads the environment as it is loaded.
const { handle } = await import('../../../hooks.server.ts');
const move = await import('../containers/[id]/move/+server.ts');
const one = await import('./[id]/+server.ts');
const early = await import('./[id]/begin/+server.ts');
const drainEarly = await import('../nodes/[id]/drain/begin/+server.ts');
const drain = await import('../nodes/[id]/drain/+server.ts');
const migrations = await import('../tenants/[id]/migrations/+server.ts');

const staff = await createStaff('administrator');
const scopes = ['infrastructure:read', 'infrastructure:write', 'tenants:read'] as const;
const writer = await bearerFor(staff, [...scopes]);

async function ask(handler: RequestHandler, routeId: string, subject: string, body?: object) {
	const event = requestEvent({
		...{ routeId, params: { id: subject }, method: body ? 'POST' : 'GET' },
		headers: { authorization: writer, ...(body ? { 'content-type': 'application/json' } : {}) },
		...(body ? { body: JSON.stringify(body) } : {})
	});
	const response = await handle({ event, resolve: async () => handler(event) });
	return { status: response.status, ...(await response.json()) };
}
const MOVE = '/api/containers/[id]/move';
const DRAIN = '/api/nodes/[id]/drain';

test('a container is moved to the named node, and the move is read until it has ended', async () => {
	const container = await put('pve1', 1024);
	const asked = await ask(move.POST, MOVE, container.id, {
		...{ node_id: id('pve3'), reason: 'Reparto' }
	});
	expect(asked).toMatchObject({
		...{ status: 202, success: true },
		data: {
			container: { id: container.id, vmid: container.vmid },
			...{ from: { name: 'pve1' }, to: { name: 'pve3' }, status: 'running', reason: 'Reparto' },
			...{
				drain_id: null,
				error: null,
				requested_by: expect.stringContaining(staff.email),
				tenants: []
			}
		}
	});
	const again = await ask(move.POST, MOVE, container.id, {});
	expect(again).toMatchObject({ status: 409, error: 'MOVE_REFUSED' });
	const done = await until(async () => {
		const seen = await ask(one.GET, '/api/moves/[id]', asked.data.id);
		return seen.data.finished_at ? seen : null;
	});
	expect(done.data).toMatchObject({ error: null, downtime_ms: null });
	expect(whereabouts()).toEqual({ [container.vmid]: 'pve3' });
	const back = await ask(move.POST, MOVE, container.id, { node_id: id('pve3') });
	expect(back).toMatchObject({
		status: 409,
		detail: expect.stringContaining('ya está en ese nodo')
	});
});

test('a node says where everything on it would go, and is emptied when the time comes', async () => {
	const [large, small] = [await put('pve1', 8192), await put('pve1', 1024)];
	await leave('pve2', 2048);
	await leave('pve3', 2048);
	const plan = await ask(drain.GET, DRAIN, id('pve1'));
	expect(plan).toMatchObject({
		status: 200,
		data: {
			drain: null,
			plan: {
				moves: [{ container: { id: small.id }, tenants: [] }],
				stuck: [{ container: { id: large.id }, nodes: [{ name: 'pve2' }, { name: 'pve3' }] }],
				stays: [{ reason: expect.stringContaining('plantilla') }]
			}
		}
	});
	expect(await ask(drain.POST, DRAIN, id('pve1'), { reason: '' })).toMatchObject({
		...{ status: 400, error: 'BAD_INPUT', fields: { reason: expect.any(String) } }
	});
	const begun = await ask(drain.POST, DRAIN, id('pve1'), { reason: 'Discos', notice_hours: 6 });
	expect(begun).toMatchObject({
		status: 202,
		data: {
			...{ status: 'running', node: { name: 'pve1' }, moves: {} },
			...{ requested_by: expect.stringContaining(staff.email), not_before: expect.any(String) }
		}
	});
	const known = await until(async () => {
		const { data } = await ask(drain.GET, DRAIN, id('pve1'));
		return data.drain.moves.planned && data.drain;
	});
	expect(known).toMatchObject({ id: begun.data.id, moves: { planned: 2 } });
	expect(await ask(drain.POST, DRAIN, id('pve1'), { reason: 'Otra vez' })).toMatchObject({
		...{ status: 409, error: 'NODE_IS_DRAINED' }
	});
	const planned = await db.containerMove.findFirstOrThrow({ where: { containerId: small.id } });
	expect(await ask(one.GET, '/api/moves/[id]', planned.id)).toMatchObject({
		data: {
			status: 'planned',
			to: null,
			drain_id: begun.data.id,
			not_before: begun.data.not_before
		}
	});

	// Earlier than customers were told: one of them, then all.
	expect(await ask(early.POST, '/api/moves/[id]/begin', planned.id, {})).toMatchObject({
		...{ status: 202, data: { status: 'running', to: { name: expect.any(String) } } }
	});
	expect(await ask(early.POST, '/api/moves/[id]/begin', planned.id, {})).toMatchObject({
		...{ status: 409, error: 'WRONG_STATE' }
	});
	const all = await ask(drainEarly.POST, `${DRAIN}/begin`, id('pve1'), {});
	expect(all).toMatchObject({ status: 202, data: { id: begun.data.id, not_before: null } });
	await leave('pve3', 20_000);
	await until(async () => Object.values(whereabouts()).every((node) => node !== 'pve1'));
	expect(await ask(drainEarly.POST, `${DRAIN}/begin`, id('pve1'), {})).toMatchObject({
		...{ status: 409, error: 'WRONG_STATE' }
	});
});

test("a tenant's migrations say how long it was off the air, by its container and by its database", async () => {
	const container = await put('pve1', 1024);
	const tenant = await createUnplacedTenant(db);
	const off = new Date('2026-11-02T03:00:00Z');
	const { id: containerMoveId } = await db.containerMove.create({
		data: {
			...{ containerId: container.id, fromNodeId: id('pve2'), toNodeId: id('pve1') },
			...{ status: 'succeeded', byLabel: 'ana' }
		}
	});
	const data = {
		...{ tenantId: tenant.id, customerId: tenant.customerId, byLabel: 'ana' },
		...{ fromContainerId: container.id, fromIsolation: 'dedicated' as const }
	};
	await db.tenantMigration.create({
		data: {
			...{ ...data, containerMoveId, toContainerId: container.id, toIsolation: 'dedicated' },
			...{ status: 'succeeded', offAirAt: off, onAirAt: new Date(off.getTime() + 41_500) }
		}
	});
	await db.tenantMigration.create({
		data: { ...data, toIsolation: 'shared', status: 'rolled_back', error: 'VENDOR_FAILED: full' }
	});
	const seen = await ask(migrations.GET, '/api/tenants/[id]/migrations', tenant.id);
	expect(seen).toMatchObject({
		status: 200,
		data: [
			{
				...{ status: 'rolled_back', to_isolation: 'shared', container_move_id: null },
				error: { technical: 'full' }
			},
			{
				...{ status: 'succeeded', downtime_ms: 41_500, container_move_id: containerMoveId },
				from: `pve2 / CT ${container.vmid}`,
				to: `pve1 / CT ${container.vmid}`
			}
		]
	});
});
