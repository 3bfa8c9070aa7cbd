import type { RequestHandler } from '@sveltejs/kit';
import { afterEach, expect, it, vi } from 'vitest';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { SubscriptionChange, Tenant } from '#prisma/generated/client.ts';
import { requestEvent } from '../../../tests/access/event.ts';
import { bearerFor, createStaff } from '../../../tests/factories/identity.ts';
import { beImpatient } from '../../../tests/setup/impatience.ts';
import { lastMove, openAlerts, ownPlan, paidOf, paying } from '../../../tests/setup/planMoves.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { liveTenant, moveIs } from '../../../tests/setup/tenantMoves.ts';
import { shownInvoice } from '../billing/changePreview.server.ts';
import type { Actor } from '../logs/audit.server.ts';
import { applyPlan, holdRoom } from './applyPlan.server.ts';
import { planMigrations, planMovesOf } from './moves/tenants/planMoveView.server.ts';
import { sweepMoves } from './moves/tenants/tenantMoveJobs.server.ts';
import { cancelTenantMove, retryTenantMove } from './moves/tenants/tenantMoves.server.ts';
import { orderPlanChange, previewPlanChange } from './planChanges.server.ts';
import { takePlanBack } from './planMoveBack.server.ts';

vi.setConfig({ testTimeout: 180_000 });
const platform = await testPlatform();
beImpatient();
const { faults } = platform.sandbox.kernel;
afterEach(() => faults.clear());
// What a request goes through reads the environment as it is loaded.
const { handle } = await import('../../hooks.server.ts');
const rest = {
	move: await import('../../routes/api/tenants/[id]/move/+server.ts'),
	confirm: await import('../../routes/api/tenants/[id]/migrations/[migration]/confirm/+server.ts')
};
const authorization = await bearerFor(await createStaff('administrator'), ['infrastructure:write']);
const by: Actor = { kind: 'member', id: null, label: 'ana@example.com' };

const planOf = (key: string) => db.plan.findFirstOrThrow({ where: { key, replacedAt: null } });
const fresh = ({ id }: { id: string }) =>
	db.tenant.findUniqueOrThrow({ where: { id }, include: { container: true, subscription: true } });
const scopeOf = (tenant: Tenant) => ({
	id: tenant.subscriptionId!,
	customerId: tenant.customerId
});
const order = (change: SubscriptionChange, moveAt?: Date) =>
	orderPlanChange({ changeId: change.id, customerId: change.customerId }, by, { moveAt });

async function ask(
	handler: RequestHandler,
	path: string,
	params: Record<string, string>,
	body: object = {}
) {
	const event = requestEvent({
		...{ routeId: `/api/tenants${path}`, params, method: 'POST', body: JSON.stringify(body) },
		headers: { authorization, 'content-type': 'application/json' }
	});
	const response = await handle({ event, resolve: async () => handler(event) });
	return { status: response.status, ...(await response.json()) };
}

/** While it lasts no copy can be loaded, and every move is turned back. */
const breakLoading = () =>
	platform.fault({
		...{ target: 'ssh', match: 'pg_restore', kind: 'status', status: 1, times: 99 },
		body: 'pg_restore: error: could not extend file: No space left on device'
	});

it('shows what a plan of another kind means, holds its room, charges, moves, and then is the plan', async () => {
	const tenant = await paying(platform, 'sube');
	const pro = await planOf('pro');
	const { change, growth } = await previewPlanChange(scopeOf(tenant), { planKey: 'pro' }, by);
	expect(growth).toMatchObject([{ fits: true, move: { inPlace: false, reasons: [] } }]);
	expect(await planMovesOf(db, change)).toMatchObject([
		{
			...{ slug: 'sube', fromIsolation: 'shared', toIsolation: 'dedicated', begins: 'now' },
			...{ against: [], keepHours: 72, inPlace: false }
		}
	]);
	await expect(order(change, after(now(), 8 * DAY))).rejects.toMatchObject({
		...{ code: 'BAD_INPUT', fields: { move_at: expect.stringContaining('7') } }
	});
	const before = await paidOf(tenant);
	expect(await order(change)).toMatchObject({ status: 'applied', error: null });
	expect((await paidOf(tenant)) - before).toBe(change.amountDue);
	const moved = await moveIs(await lastMove(tenant), ['confirming', 'rolled_back', 'failed']);
	expect(moved).toMatchObject({ status: 'confirming', planId: pro.id, error: null });
	await eventually(async () => (await fresh(tenant)).planId === pro.id, 40);
	expect(await fresh(tenant)).toMatchObject({
		...{ status: 'active', isolation: 'dedicated' },
		container: { id: moved.toContainerId, cpuCores: pro.cpuCores, ramMb: pro.ramMb }
	});
	expect(await db.notification.count({ where: { kind: 'plan_applied' } })).toBe(1);
	expect((await platform.open('sube.sajet.us', '/web/login')).status).toBe(200);
	const [shown] = await planMigrations(db, tenant.customerId);
	expect(shown).toMatchObject({ slug: 'sube', migration: { id: moved.id, staff: null } });
	expect(shown?.steps.every(({ status }) => status === 'done')).toBe(true);

	// Down again: nothing is charged, it begins with the next period, and what is kept until then is no hindrance.
	const down = await previewPlanChange(scopeOf(tenant), { planKey: 'basic' }, by);
	expect(await planMovesOf(db, down.change)).toMatchObject([{ begins: 'period_end', against: [] }]);
	expect(down.growth[0]?.move?.reasons).toEqual(['kept']);
	expect(await order(down.change)).toMatchObject({ status: 'scheduled' });
});

it('gives the room back when the payment fails', async () => {
	const tenant = await paying(platform, 'sinfondos', '4000000000000341');
	const { change } = await previewPlanChange(scopeOf(tenant), { planKey: 'pro' }, by);
	expect(await order(change)).toMatchObject({ status: 'refused', error: 'PAYMENT_DECLINED' });
	const held = await lastMove(tenant);
	expect(held).toMatchObject({ status: 'cancelled', jobId: null });
	expect(
		await db.container.findUniqueOrThrow({ where: { id: held.toContainerId! } })
	).toMatchObject({ status: 'deleted' });
	await applyPlan(tenant.id);
	expect(await openAlerts(tenant)).toEqual([]);
	expect(await planMigrations(db, tenant.customerId)).toEqual([]);
});

it('keeps the room while a bank asks its customer, and begins when it is paid', async () => {
	const tenant = await liveTenant('basic', 'banco');
	const pro = await planOf('pro');
	const { change } = await previewPlanChange(scopeOf(tenant), { planKey: 'pro' }, by);
	// A free one would be in force with its order: the bank is played by the row.
	await transaction(async (tx) => holdRoom(tx, await fresh(tenant), pro, { notBefore: null, by }));
	await db.subscriptionChange.update({
		where: { id: change.id },
		data: { status: 'waiting_payment' }
	});
	const held = await lastMove(tenant);
	await db.tenantMigration.update({ where: { id: held.id }, data: { createdAt: new Date(0) } });
	await sweepMoves();
	await applyPlan(tenant.id);
	expect(await lastMove(tenant)).toMatchObject({ id: held.id, status: 'planned', jobId: null });
	await db.subscriptionChange.update({ where: { id: change.id }, data: { status: 'applied' } });
	await db.subscription.update({ where: { id: tenant.subscriptionId! }, data: { planId: pro.id } });
	await applyPlan(tenant.id);
	expect(await moveIs(held, ['confirming', 'rolled_back'])).toMatchObject({ status: 'confirming' });
	await eventually(async () => (await fresh(tenant)).planId === pro.id, 40);
});

it('says so when a paid move is turned back, tries again when staff say so, and gives the money back when nobody does', async () => {
	const tenant = await paying(platform, 'vuelve');
	const pro = await planOf('pro');
	const basic = await planOf('basic');
	breakLoading();
	const { change } = await previewPlanChange(scopeOf(tenant), { planKey: 'pro' }, by);
	expect(await order(change)).toMatchObject({ status: 'applied' });
	const turned = await moveIs(await lastMove(tenant), ['rolled_back', 'confirming', 'failed']);
	expect(turned.status).toBe('rolled_back');
	await eventually(async () => (await openAlerts(tenant)).length > 0, 20);
	expect(await openAlerts(tenant)).toEqual(['provisioning.plan-move-failed']);
	expect(await fresh(tenant)).toMatchObject({
		...{ status: 'active', isolation: 'shared', planId: basic.id },
		subscription: { planId: pro.id }
	});
	const told = { customerId: tenant.customerId, kind: 'plan_move_turned_back' };
	expect(await db.notification.count({ where: told })).toBe(1);
	expect(
		await db.emailMessage.count({
			where: { customerId: tenant.customerId, template: 'plan_move' }
		})
	).toBe(1);
	// By itself it is not tried again: each try takes it off the air.
	await applyPlan(tenant.id);
	expect((await lastMove(tenant)).id).toBe(turned.id);
	const again = await transaction((tx) => retryTenantMove(tx, turned.id, by));
	expect(await takePlanBack(turned.id)).toBeNull();
	expect(await moveIs(again, ['rolled_back', 'confirming'])).toMatchObject({
		status: 'rolled_back'
	});

	// The time is over.
	const back = await takePlanBack(again.id);
	expect(back).toMatchObject({ status: 'applied', amountDue: 0, toPlanId: basic.id });
	expect(shownInvoice.parse(back!.lines).total).toBe(-change.amountDue);
	expect(await takePlanBack(again.id)).toBeNull();
	await eventually(async () => (await openAlerts(tenant)).length === 0, 20);
	expect(await fresh(tenant)).toMatchObject({ subscription: { planId: basic.id } });
	expect(await db.alert.count({ where: { rule: 'billing.charge-differs' } })).toBe(0);
	expect(
		await db.notification.count({
			where: { customerId: tenant.customerId, kind: 'plan_move_given_back' }
		})
	).toBe(1);

	// What is credit pays the same change when it is ordered once more, at a time of the customer's own.
	faults.clear();
	const once = await previewPlanChange(scopeOf(tenant), { planKey: 'pro' }, by);
	expect(once.change.amountDue).toBe(0);
	const at = after(now(), DAY);
	expect(await order(once.change, at)).toMatchObject({ status: 'applied' });
	const planned = await eventually(async () => {
		const row = await lastMove(tenant);
		return row.jobId ? row : null;
	}, 20);
	expect(planned).toMatchObject({ status: 'planned', notBefore: at });
	// Staff cancel it: the plan is still paid.
	await transaction((tx) => cancelTenantMove(tx, planned.id, by));
	await eventually(async () => (await openAlerts(tenant)).length > 0, 20);
	const retried = await transaction((tx) => retryTenantMove(tx, planned.id, by));
	expect(await moveIs(retried, ['rolled_back', 'confirming'])).toMatchObject({
		status: 'confirming'
	});
	await eventually(async () => (await fresh(tenant)).planId === pro.id, 40);
	expect(await openAlerts(tenant)).toEqual([]);
});

it('charges nothing for what has no room, and tells staff', async () => {
	const tenant = await liveTenant('basic', 'nocabe');
	const huge = await ownPlan({ ramMb: 4_000_000 });
	const { change, growth } = await previewPlanChange(scopeOf(tenant), { planKey: huge.key }, by);
	expect(growth).toMatchObject([{ fits: false, move: { reasons: ['no_room'] } }]);
	expect(await planMovesOf(db, change)).toMatchObject([{ against: ['no_room'] }]);
	const told = { kind: 'plan_wanted_no_room', permission: 'infrastructure:read' };
	expect(await db.notification.count({ where: told })).toBe(1);
	await expect(order(change)).rejects.toMatchObject({ code: 'MOVE_REFUSED', message: 'no_room' });
	expect(await db.subscriptionChange.findUniqueOrThrow({ where: { id: change.id } })).toMatchObject(
		{ status: 'previewed' }
	);
});

it('moves by itself what was changed past us, unless it does not fit', async () => {
	const tenant = await liveTenant('basic', 'porstripe');
	const pay = (planId: string) =>
		db.subscription.update({ where: { id: tenant.subscriptionId! }, data: { planId } });
	const huge = await ownPlan({ ramMb: 4_000_000 });
	await pay(huge.id);
	await expect(applyPlan(tenant.id)).rejects.toMatchObject({ code: 'MOVE_REFUSED' });
	expect(await openAlerts(tenant)).toEqual(['provisioning.plan-has-no-room']);
	const small = await ownPlan({ diskGb: 5 });
	await db.usageReading.create({
		data: {
			...{ tenantId: tenant.id, customerId: tenant.customerId, resource: 'disk_gb' },
			...{ used: 40_000, measuredAt: new Date() }
		}
	});
	await pay(small.id);
	await applyPlan(tenant.id);
	expect(await openAlerts(tenant)).toEqual([
		...['provisioning.plan-has-no-room', 'provisioning.plan-is-a-move']
	]);
	await db.usageReading.deleteMany({ where: { tenantId: tenant.id } });
	const fitting = await ownPlan({});
	await pay(fitting.id);
	await applyPlan(tenant.id);
	await moveIs(await lastMove(tenant), ['confirming']);
	await eventually(async () => (await fresh(tenant)).planId === fitting.id, 40);
	expect(await openAlerts(tenant)).toEqual([]);

	// A second node takes over: nothing is copied, and nobody notices.
	const moved = await lastMove(tenant);
	const params = { id: tenant.id, migration: moved.id };
	expect(
		await ask(rest.confirm.POST, '/[id]/migrations/[migration]/confirm', params)
	).toMatchObject({
		status: 202,
		data: { id: moved.id, from_isolation: 'shared', to_isolation: 'dedicated' }
	});
	await moveIs(moved, ['succeeded']);
	const ha = await ownPlan({ isolation: 'dedicated_ha' });
	await pay(ha.id);
	await applyPlan(tenant.id);
	const inPlace = await moveIs(await lastMove(tenant), ['succeeded', 'rolled_back', 'failed']);
	expect(inPlace).toMatchObject({ status: 'succeeded', offAirAt: null, error: null });
	await eventually(async () => (await fresh(tenant)).planId === ha.id, 40);
	expect(await fresh(tenant)).toMatchObject({
		...{ isolation: 'dedicated_ha', containerId: moved.toContainerId },
		container: { haNodeId: expect.any(String) }
	});

	// Where staff put it, it stays.
	const body = { isolation: 'dedicated', reason: 'Prueba' };
	const move = (to: object) => ask(rest.move.POST, '/[id]/move', { id: tenant.id }, to);
	const asked = await move(body);
	expect(asked).toMatchObject({
		status: 202,
		data: { reason: 'Prueba', to_isolation: 'dedicated' }
	});
	expect(await move({ isolation: 'shared' })).toMatchObject({
		...{ status: 409, error: 'MOVE_REFUSED' }
	});
	expect(await moveIs(await lastMove(tenant), ['succeeded', 'rolled_back'])).toMatchObject({
		...{ status: 'succeeded', planId: null }
	});
	await applyPlan(tenant.id);
	expect(await fresh(tenant)).toMatchObject({ isolation: 'dedicated', planId: ha.id });
	expect(await openAlerts(tenant)).toEqual([]);
});
