import { redirect } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { readTakenVmids } from '#lib/infrastructure/nodes/clients.server.ts';
import { requestServer } from '#lib/infrastructure/postgres/requestServer.server.ts';
import { serverForm } from '#lib/infrastructure/postgres/serverForms.ts';
import { debianImages } from '#lib/infrastructure/templates/templateView.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:write');
	const nodes = await db.node.findMany({
		where: { removedAt: null },
		orderBy: { name: 'asc' },
		select: { id: true, name: true, status: true, cluster: { select: { name: true } } }
	});
	const asked = event.url.searchParams.get('node');
	const node =
		nodes.find(({ id }) => id === asked) ??
		nodes.find(({ status }) => status === 'online') ??
		nodes[0];
	return {
		nodes,
		node: node?.id ?? null,
		// The page is there at once; what the node has comes when it answers.
		images: node ? debianImages(node) : Promise.resolve([]),
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.infrastructure_containers(), href: '/admin/infrastructure?tab=containers' },
			{ label: m.dbserver_new() }
		]
	};
};

export const actions: Actions = {
	default: (event) => {
		requireStaff(event, 'infrastructure:write');
		return answerForm(event.request, serverForm, async (input) => {
			const by = actorOf(event.locals.auth!);
			const taken = await readTakenVmids({});
			const id = await transaction((tx) => requestServer(tx, input, by, taken));
			redirect(303, `/admin/infrastructure/containers/${id}`);
		});
	}
};
