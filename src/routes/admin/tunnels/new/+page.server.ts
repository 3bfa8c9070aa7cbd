import { redirect } from '@sveltejs/kit';
import { db } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { createTunnel } from '#lib/domains/tunnels/tunnelActs.server.ts';
import { newTunnelForm } from '#lib/domains/tunnels/tunnelForms.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'domains:write');
	const nodes = await db.node.findMany({
		where: { removedAt: null },
		orderBy: { name: 'asc' },
		select: { id: true, name: true, tunnel: { select: { name: true } } }
	});
	return {
		nodes,
		crumbs: [{ label: m.admin_nav_tunnels(), href: '/admin/tunnels' }, { label: m.tunnels_new() }]
	};
};

export const actions: Actions = {
	default: (event) => {
		requireStaff(event, 'domains:write');
		return answerForm(event.request, newTunnelForm, async (input) => {
			const { id } = await createTunnel(input, actorOf(event.locals.auth!));
			redirect(303, `/admin/tunnels/${id}`);
		});
	}
};
