import { redirect } from '@sveltejs/kit';
import { db } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { accessForm } from '#lib/infrastructure/nodes/enrolmentForms.ts';
import { beginEnrolment } from '#lib/infrastructure/nodes/enrolments.server.ts';
import { openEnrolments } from '#lib/infrastructure/nodes/enrolmentView.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:write');
	return {
		drafts: await openEnrolments(db),
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.enrol_title() }
		]
	};
};

export const actions: Actions = {
	default: (event) => {
		requireStaff(event, 'infrastructure:write');
		return answerForm(event.request, accessForm, async (input) => {
			const { id } = await beginEnrolment(input, actorOf(event.locals.auth!));
			redirect(303, `/admin/infrastructure/nodes/new/${id}`);
		});
	}
};
