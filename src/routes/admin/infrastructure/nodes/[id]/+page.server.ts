import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { standbysOf } from '#lib/infrastructure/ha/haView.server.ts';
import { daysUntilFull } from '#lib/infrastructure/metrics/trend.server.ts';
import { nodeFigures } from '#lib/infrastructure/nodes/figures.server.ts';
import { beginMaintenance, endMaintenance } from '#lib/infrastructure/nodes/maintenance.server.ts';
import { maintenanceForm } from '#lib/infrastructure/nodes/nodeForms.ts';
import { grantsFor, nodeHead } from '#lib/infrastructure/nodes/nodePage.server.ts';
import { findNode, requestLook } from '#lib/infrastructure/nodes/oneNode.server.ts';
import { poolPlanForm, poolTargetForm } from '#lib/infrastructure/pools/poolForms.ts';
import { retryPool, setPoolTarget } from '#lib/infrastructure/pools/pools.server.ts';
import { poolRows } from '#lib/infrastructure/pools/poolView.server.ts';
import { dwellersOf } from '#lib/infrastructure/nodes/dwellers.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { setting } from '#lib/settings/settings.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const head = await nodeHead(db, event.params.id);
	const [figures] = await nodeFigures(db, [head.id]);
	return {
		figures: figures ?? null,
		grants: await grantsFor(db, head),
		storages: await db.nodeStorage.findMany({
			where: { nodeId: head.id },
			orderBy: { storage: 'asc' }
		}),
		until: (await daysUntilFull(db)).get(head.id) ?? null,
		standbys: await standbysOf(db, head.id),
		lives: await dwellersOf(db, head.id),
		pools: head.removedAt ? [] : await poolRows(db, head.id),
		misses: await setting('infrastructure.node_misses')
	};
};

export const actions: Actions = {
	check: (event) => {
		requireStaff(event, 'infrastructure:write');
		return answerForm(event.request, z.object({}), async () => {
			await transaction(async (tx) => requestLook(tx, (await findNode(tx, event.params.id)).id));
			return { message: m.node_check_asked() };
		});
	},
	maintenance: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, maintenanceForm, async ({ reason }) => {
			const { name } = await findNode(db, event.params.id);
			await transaction((tx) => beginMaintenance(tx, event.params.id, { reason, by }));
			return { message: m.node_maintenance_begun({ name }) };
		});
	},
	pool: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		const nodeId = event.params.id;
		return answerForm(event.request, poolTargetForm, async ({ plan, target }) => {
			const { id } = await findNode(db, nodeId);
			await transaction((tx) => setPoolTarget(tx, { nodeId: id, plan, target }, by));
			const { planName = plan } = (await poolRows(db, id)).find((row) => row.plan === plan) ?? {};
			return { message: m.pool_saved({ plan: planName, target }) };
		});
	},
	retry_pool: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		const nodeId = event.params.id;
		return answerForm(event.request, poolPlanForm, async ({ plan }) => {
			const { id } = await findNode(db, nodeId);
			await transaction((tx) => retryPool(tx, { nodeId: id, plan }, by));
			return { message: m.pool_retried() };
		});
	},
	in_service: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			const { name } = await findNode(db, event.params.id);
			await transaction((tx) => endMaintenance(tx, event.params.id, by));
			return { message: m.node_maintenance_ended({ name }) };
		});
	}
};
