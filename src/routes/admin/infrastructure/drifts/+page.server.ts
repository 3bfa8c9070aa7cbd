import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { subjectsOf } from '#lib/infrastructure/drift/driftSubjects.server.ts';
import { adoptStranger, leaveAlone } from '#lib/infrastructure/drift/strangers.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { DRIFT_LIST, listDrifts, openDrifts } from '#lib/logs/driftList.server.ts';
import { hasRepair, repairDrift } from '#lib/logs/drifts.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, DRIFT_LIST);
	const { rows, meta } = await listDrifts(db, { ...query, area: 'infrastructure' });
	const subjects = await subjectsOf(db, rows);
	const [run] = await db.reconcileRun.findMany({
		where: { area: 'infrastructure' },
		orderBy: { startedAt: 'desc' },
		take: 1
	});
	return {
		rows: rows.map((row) => ({
			...row,
			repairable: hasRepair(row.kind),
			container: subjects.get(row.subjectId) ?? null
		})),
		meta,
		run: run ?? null,
		counts: { drifts: await openDrifts(db, 'infrastructure') },
		mayRepair: staff.permissions.has('infrastructure:write'),
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.cdrift_title() }
		]
	};
};

const one = z.object({ id: z.uuid() });

export const actions: Actions = {
	run: async (event) => {
		requireStaff(event, 'infrastructure:write');
		const { label } = actorOf(event.locals.auth!);
		await transaction((tx) => enqueue(tx, 'infrastructure.reconcile', { by: label }));
		return { message: m.drift_run_asked() };
	},
	repair: (event) => {
		requireStaff(event, 'infrastructure:write');
		return answerForm(event.request, one, async ({ id }) => {
			const end = await repairDrift(id, actorOf(event.locals.auth!));
			return { message: end === 'done' ? m.drift_repaired() : m.drift_repair_asked() };
		});
	},
	ignore: (event) => {
		requireStaff(event, 'infrastructure:write');
		const form = one.extend({ note: z.string().trim().min(3).max(500) });
		return answerForm(event.request, form, async ({ id, note }) => {
			await leaveAlone(id, note, actorOf(event.locals.auth!));
			return { message: m.drift_ignored() };
		});
	},
	adopt: (event) => {
		requireStaff(event, 'infrastructure:write');
		const form = one.extend({ purpose: z.enum(['odoo', 'postgres']) });
		return answerForm(event.request, form, async ({ id, purpose }) => {
			await adoptStranger(id, purpose, actorOf(event.locals.auth!)).catch((error: unknown) => {
				throw shown(error);
			});
			return { message: m.cdrift_adopted() };
		});
	}
};

/** The form has one field: what stands against the container stands beside it. */
function shown(error: unknown): unknown {
	if (error instanceof VendorError)
		return new AppError('VENDOR_UNAVAILABLE', { params: { vendor: error.vendor }, cause: error });
	if (!(error instanceof AppError) || error.code !== 'BAD_INPUT') return error;
	const [sentence] = Object.values(error.fields ?? {});
	return sentence ? new AppError('BAD_INPUT', { fields: { purpose: sentence } }) : error;
}
