import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import {
	addEdgeServer,
	editEdgeServer,
	findEdgeServer,
	listEdgeServers,
	removeEdgeServer
} from '#lib/domains/edge/edgeServerActs.server.ts';
import {
	editedEdgeServerForm,
	edgeServerForm,
	oneEdgeServerForm
} from '#lib/domains/edge/edgeServerForms.ts';
import { requestEdge } from '#lib/domains/edge/edgeServers.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { z } from 'zod';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'domains:read');
	return {
		servers: await listEdgeServers(db),
		nodes: await db.node.findMany({
			where: { removedAt: null },
			orderBy: { name: 'asc' },
			select: { id: true, name: true }
		}),
		mayWrite: staff.permissions.has('domains:write'),
		crumbs: [{ label: m.domains_title(), href: '/admin/domains' }, { label: m.domains_tab_edge() }]
	};
};

export const actions: Actions = {
	add: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, edgeServerForm, async (input) => {
			const { name } = await transaction((tx) => addEdgeServer(tx, input, { by }));
			return { message: m.domains_server_added({ name }) };
		});
	},
	edit: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, editedEdgeServerForm, async ({ server, ...input }) => {
			const { name } = await transaction((tx) => editEdgeServer(tx, server, input, { by }));
			return { message: m.domains_server_saved({ name }) };
		});
	},
	retry: (event) => {
		requireStaff(event, 'domains:write');
		return answerForm(event.request, oneEdgeServerForm, async ({ server }) => {
			await transaction(async (tx) => {
				await findEdgeServer(tx, server);
				await requestEdge(tx, server);
			});
			return { message: m.domains_server_retried() };
		});
	},
	remove: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		const form = oneEdgeServerForm.extend({ confirm: z.string().trim().default('') });
		return answerForm(event.request, form, async ({ server, confirm }) => {
			const { name } = await findEdgeServer(db, server);
			if (confirm !== name)
				throw new AppError('BAD_INPUT', { fields: { confirm: m.ui_type_to_confirm({ name }) } });
			await transaction((tx) => removeEdgeServer(tx, server, { by }));
			return { message: m.domains_server_removed({ name }) };
		});
	}
};
