import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { edgeHostForm, editedHostForm } from '#lib/domains/tunnels/edgeHostForms.ts';
import { EDGE_HOST_LIST, listEdgeHosts } from '#lib/domains/tunnels/edgeHostList.server.ts';
import {
	addEdgeHost,
	editEdgeHost,
	findHost,
	livingTunnel,
	removeEdgeHost
} from '#lib/domains/tunnels/edgeHosts.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'domains:read');
	const tunnel = await livingTunnel(db, event.params.id);
	return {
		...(await listEdgeHosts(db, tunnel.id, parseListQuery(event.url, EDGE_HOST_LIST))),
		tunnel,
		mayWrite: staff.permissions.has('domains:write'),
		crumbs: [
			{ label: m.admin_nav_tunnels(), href: '/admin/tunnels' },
			{ label: tunnel.name, href: `/admin/tunnels/${tunnel.id}` },
			{ label: m.tunnels_hosts_title() }
		]
	};
};

export const actions: Actions = {
	add: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, edgeHostForm, async (input) => {
			const { hostname } = await transaction((tx) =>
				addEdgeHost(tx, event.params.id, input, { by })
			);
			return { message: m.tunnels_host_added({ host: hostname }) };
		});
	},
	edit: (event) => {
		requireStaff(event, 'domains:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, editedHostForm, async ({ host, ...input }) => {
			const { hostname } = await transaction((tx) =>
				editEdgeHost(tx, event.params.id, host, input, { by })
			);
			return { message: m.tunnels_host_saved({ host: hostname }) };
		});
	},
	remove: (event) => {
		requireStaff(event, 'domains:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = z.object({ host: z.uuid(), confirm: z.string().trim().default('') });
		return answerForm(event.request, form, async ({ host, confirm }) => {
			const { hostname } = await findHost(db, event.params.id, host);
			if (confirm !== hostname)
				throw new AppError('BAD_INPUT', {
					fields: { confirm: m.ui_type_to_confirm({ name: hostname }) }
				});
			await transaction((tx) => removeEdgeHost(tx, event.params.id, host, { by }));
			return { message: m.tunnels_host_removed({ host: hostname }) };
		});
	}
};
