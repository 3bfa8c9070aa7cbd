import { redirect } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { containerOfId } from '#lib/infrastructure/containers/containerPage.server.ts';
import { moveForm } from '#lib/provisioning/moves/containers/moveForms.ts';
import { listMoves, MOVE_LIST } from '#lib/provisioning/moves/moveList.server.ts';
import { askForMove } from '#lib/provisioning/moves/containers/moves.server.ts';
import { targetsOf } from '#lib/provisioning/moves/containers/moveTargets.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const { id } = await containerOfId(db, event.params.id);
	const query = parseListQuery(event.url, MOVE_LIST);
	return {
		...(await targetsOf(db, id)),
		moves: await listMoves(db, { ...query, filters: { ...query.filters, container: id } })
	};
};

export const actions: Actions = {
	default: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, moveForm, async ({ node_id, reason }) => {
			const wish = { containerId: event.params.id, toNodeId: node_id, reason };
			const { id } = await transaction((tx) => askForMove(tx, wish, by));
			redirect(303, `/admin/infrastructure/moves/${id}`);
		});
	}
};
