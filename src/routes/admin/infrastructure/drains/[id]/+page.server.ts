import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { staysOf } from '#lib/provisioning/moves/drains/drainContainers.server.ts';
import { countHeld, countUnplanned } from '#lib/provisioning/moves/drains/drainMatch.server.ts';
import {
	beginDrain,
	cancelDrain,
	drainOfId,
	pauseDrain,
	resumeDrain
} from '#lib/provisioning/moves/drains/drains.server.ts';
import { retryDrainMove, skipDrainMove } from '#lib/provisioning/moves/drains/drainMoves.server.ts';
import { drainRows } from '#lib/provisioning/moves/drains/drainView.server.ts';
import { listMoves, MOVE_LIST } from '#lib/provisioning/moves/moveList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'infrastructure:read');
	const { id, nodeId, status } = await drainOfId(db, event.params.id);
	const [drain] = await drainRows(db, [id]);
	const told = await db.tenantMigration.count({
		where: { status: 'planned', notBefore: { not: null }, containerMove: { drainId: id } }
	});
	const query = parseListQuery(event.url, { ...MOVE_LIST, pageSize: 50 });
	return {
		drain: drain!,
		told,
		unplanned: await countUnplanned(db, { id, nodeId, status }),
		held: await countHeld(db, { id, nodeId, status }),
		list: await listMoves(db, { ...query, drainId: id }),
		stays: await staysOf(db, nodeId),
		mayWrite: permissions.has('infrastructure:write'),
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.cmove_title(), href: '/admin/infrastructure/moves' },
			{ label: m.drain_of({ node: drain!.node }) }
		]
	};
};

const none = z.object({});
const one = z.object({ move: z.uuid() });

export const actions: Actions = {
	pause: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, none, async () => {
			await transaction((tx) => pauseDrain(tx, event.params.id, by));
			return { message: m.drain_paused_done() };
		});
	},
	begin: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, none, async () => {
			await transaction((tx) => beginDrain(tx, event.params.id, by));
			return { message: m.move_begun_early() };
		});
	},
	resume: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, none, async () => {
			await transaction((tx) => resumeDrain(tx, event.params.id, by));
			return { message: m.drain_resumed_done() };
		});
	},
	cancel: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, none, async () => {
			await transaction((tx) => cancelDrain(tx, event.params.id, by));
			return { message: m.drain_cancelled_done() };
		});
	},
	skip: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, one, async ({ move }) => {
			await skipDrainMove(event.params.id, move, by);
			return { message: m.drain_skip_done() };
		});
	},
	retry: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, one, async ({ move }) => {
			const { status } = await transaction((tx) => retryDrainMove(tx, event.params.id, move, by));
			return { message: status === 'planned' ? m.cmove_retry_turn() : m.cmove_retry_done() };
		});
	}
};
