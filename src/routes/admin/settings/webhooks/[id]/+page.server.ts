import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { retryDelivery, sendTest } from '#lib/notifications/webhooks/deliveries.server.ts';
import {
	editEndpoint,
	findEndpoint,
	removeEndpoint,
	replaceSecret
} from '#lib/notifications/webhooks/endpoints.server.ts';
import { webhookForm } from '#lib/notifications/webhooks/webhookForms.ts';
import { DELIVERY_LIST, listDeliveries } from '#lib/notifications/webhooks/webhookList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'settings:read');
	const endpoint = await findEndpoint(db, endpointId(event.params.id));
	return {
		endpoint,
		...(await listDeliveries(db, endpoint.id, parseListQuery(event.url, DELIVERY_LIST))),
		mayWrite: staff.permissions.has('settings:write'),
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		crumbs: [
			{ label: m.admin_nav_settings(), href: '/admin/settings' },
			{ label: m.webhook_title(), href: '/admin/settings/webhooks' },
			{ label: endpoint.name }
		]
	};
};

function endpointId(text: string): string {
	const id = z.uuid().safeParse(text);
	if (!id.success) throw new AppError('NOT_FOUND');
	return id.data;
}

const edited = z.intersection(webhookForm, z.object({ seen: z.coerce.number().int() }));

export const actions: Actions = {
	edit: (event) => {
		requireStaff(event, 'settings:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const id = endpointId(event.params.id);
		return answerForm(event.request, edited, async ({ seen, ...input }) => {
			await transaction((tx) => editEndpoint(tx, id, { seen, input, by }));
			return { message: m.webhook_saved() };
		});
	},
	secret: (event) => {
		requireStaff(event, 'settings:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const id = endpointId(event.params.id);
		return answerForm(event.request, z.object({}), async () => ({
			message: m.webhook_secret_replaced(),
			secret: await transaction((tx) => replaceSecret(tx, id, by))
		}));
	},
	test: (event) => {
		requireStaff(event, 'settings:write');
		const by = actorOf(event.locals.auth!);
		const id = endpointId(event.params.id);
		return answerForm(event.request, z.object({}), async () => {
			await transaction((tx) => sendTest(tx, id, by));
			return { message: m.webhook_test_sent() };
		});
	},
	retry: (event) => {
		requireStaff(event, 'settings:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({ delivery: z.uuid() }), async ({ delivery }) => {
			await transaction((tx) => retryDelivery(tx, delivery, by));
			return { message: m.webhook_delivery_retried() };
		});
	},
	remove: async (event) => {
		requireStaff(event, 'settings:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const id = endpointId(event.params.id);
		const form = z.object({ confirm: z.string().trim() });
		const answer = await answerForm(event.request, form, async ({ confirm }) => {
			await transaction(async (tx) => {
				const { name } = await findEndpoint(tx, id);
				if (confirm !== name)
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.ui_type_to_confirm({ name }) }
					});
				await removeEndpoint(tx, id, by);
			});
			return null;
		});
		if (answer) return answer;
		redirect(303, '/admin/settings/webhooks');
	}
};
