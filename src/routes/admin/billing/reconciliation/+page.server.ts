import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { DRIFT_LIST, listDrifts } from '#lib/logs/driftList.server.ts';
import { hasRepair, ignoreDrift, repairDrift } from '#lib/logs/drifts.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, DRIFT_LIST);
	const { rows, meta } = await listDrifts(db, { ...query, area: 'billing' });
	const [run] = await db.reconcileRun.findMany({
		where: { area: 'billing' },
		orderBy: { startedAt: 'desc' },
		take: 1
	});
	return {
		rows: rows.map((row) => ({ ...row, repairable: hasRepair(row.kind) })),
		meta,
		run: run ?? null,
		mayRepair: staff.permissions.has('billing:write'),
		crumbs: [{ label: m.admin_nav_billing(), href: '/admin/billing' }, { label: m.drift_title() }]
	};
};

const one = z.object({ id: z.uuid() });

export const actions: Actions = {
	run: async (event) => {
		requireStaff(event, 'billing:write');
		const { label } = actorOf(event.locals.auth!);
		await transaction((tx) => enqueue(tx, 'billing.reconcile', { by: label }));
		return { message: m.drift_run_asked() };
	},
	repair: (event) => {
		requireStaff(event, 'billing:write');
		return answerForm(event.request, one, async ({ id }) => {
			const end = await repairDrift(id, actorOf(event.locals.auth!));
			return { message: end === 'done' ? m.drift_repaired() : m.drift_repair_asked() };
		});
	},
	ignore: (event) => {
		requireStaff(event, 'billing:write');
		const form = one.extend({ note: z.string().trim().min(3).max(500) });
		return answerForm(event.request, form, async ({ id, note }) => {
			await ignoreDrift(id, note, actorOf(event.locals.auth!));
			return { message: m.drift_ignored() };
		});
	}
};
