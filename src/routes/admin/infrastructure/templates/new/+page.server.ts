import { redirect } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { bareChoices } from '#lib/infrastructure/containers/bareView.server.ts';
import { requestBuild } from '#lib/infrastructure/templates/requestBuild.server.ts';
import { buildForm } from '#lib/infrastructure/templates/templateForms.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:write');
	return {
		...(await bareChoices(db, event.url)),
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.template_title(), href: '/admin/infrastructure/templates' },
			{ label: m.template_build() }
		]
	};
};

export const actions: Actions = {
	default: (event) => {
		requireStaff(event, 'infrastructure:write');
		return answerForm(event.request, buildForm, async (input) => {
			const by = actorOf(event.locals.auth!);
			const id = await transaction((tx) => requestBuild(tx, input, by));
			redirect(303, `/admin/infrastructure/templates/${id}`);
		});
	}
};
