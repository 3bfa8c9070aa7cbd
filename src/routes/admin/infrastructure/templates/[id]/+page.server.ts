import { z } from 'zod';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { giveUpBuild, retryBuild } from '#lib/infrastructure/templates/requestBuild.server.ts';
import {
	makeCurrent,
	requestDeletion,
	retire
} from '#lib/infrastructure/templates/templates.server.ts';
import { templateView } from '#lib/infrastructure/templates/templateView.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'infrastructure:read');
	const view = await templateView(db, event.params.id);
	return {
		...view,
		mayWrite: staff.permissions.has('infrastructure:write'),
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.template_title(), href: '/admin/infrastructure/templates' },
			{ label: view.template.container.hostname }
		]
	};
};

const nothing = z.object({});
const confirmed = z.object({ confirm: z.string().trim() });

/** @throws {AppError} BAD_INPUT unless the template's name was typed */
async function checkName(tx: Tx, id: string, confirm: string): Promise<void> {
	const template = await tx.template.findUnique({
		where: { id },
		select: { container: { select: { hostname: true } } }
	});
	if (!template) throw new AppError('NOT_FOUND');
	const name = template.container.hostname;
	if (confirm !== name)
		throw new AppError('BAD_INPUT', { fields: { confirm: m.ui_type_to_confirm({ name }) } });
}

export const actions: Actions = {
	retry: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, async () => {
			await transaction((tx) => retryBuild(tx, event.params.id, by));
			return { message: m.template_retried() };
		});
	},
	give_up: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, confirmed, async ({ confirm }) => {
			await transaction(async (tx) => {
				await checkName(tx, event.params.id, confirm);
				await giveUpBuild(tx, event.params.id, by);
			});
			return { message: m.template_given_up() };
		});
	},
	current: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, async () => {
			await transaction((tx) => makeCurrent(tx, event.params.id, by));
			return { message: m.template_made_current() };
		});
	},
	retire: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, nothing, async () => {
			await transaction((tx) => retire(tx, event.params.id, by));
			return { message: m.template_retired() };
		});
	},
	delete: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, confirmed, async ({ confirm }) => {
			await transaction(async (tx) => {
				await checkName(tx, event.params.id, confirm);
				await requestDeletion(tx, event.params.id, by);
			});
			return { message: m.template_delete_asked() };
		});
	}
};
