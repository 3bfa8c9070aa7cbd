import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { findNode } from '#lib/infrastructure/nodes/oneNode.server.ts';
import { drainPlanOf } from '#lib/provisioning/moves/drains/drainContainers.server.ts';
import { drainForm } from '#lib/provisioning/moves/drains/drainForms.ts';
import { startDrain } from '#lib/provisioning/moves/drains/drains.server.ts';
import { drainOfNode } from '#lib/provisioning/moves/drains/drainView.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { setting } from '#lib/settings/settings.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const { id } = await findNode(db, event.params.id);
	const drain = await drainOfNode(db, id);
	const isOpen = drain?.status === 'running' || drain?.status === 'paused';
	return {
		plan: await drainPlanOf(db, id),
		drain: isOpen ? drain : null,
		parallel: await setting('provisioning.drain_parallel'),
		noticeHours: await setting('provisioning.drain_notice_hours')
	};
};

export const actions: Actions = {
	default: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = drainForm.extend({ confirm: z.string().trim() });
		return answerForm(event.request, form, async ({ reason, notice_hours, confirm }) => {
			const noticeHours = notice_hours ?? (await setting('provisioning.drain_notice_hours'));
			const { id } = await transaction(async (tx) => {
				const { name } = await findNode(tx, event.params.id);
				if (confirm !== name)
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.ui_type_to_confirm({ name }) }
					});
				return startDrain(tx, event.params.id, { reason, noticeHours }, by);
			});
			redirect(303, `/admin/infrastructure/drains/${id}`);
		});
	}
};
