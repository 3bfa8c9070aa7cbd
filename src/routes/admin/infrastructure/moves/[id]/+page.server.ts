import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { cancelMove, mayCancel } from '#lib/provisioning/moves/containers/moveCancel.server.ts';
import {
	askForMove,
	beginEarly,
	confirmMove,
	retryMove
} from '#lib/provisioning/moves/containers/moves.server.ts';
import { moveOfId } from '#lib/provisioning/moves/moveView.server.ts';
import { migrationsOfMove } from '#lib/provisioning/moves/containers/moveMigrations.server.ts';
import { runsOfTenant } from '#lib/provisioning/runs.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { redirect } from '@sveltejs/kit';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'infrastructure:read');
	const move = await moveOfId(db, event.params.id);
	// Its runs are filed under the container that it moves.
	const found = move.jobId ? await runsOfTenant(db, move.containerId, move.jobId) : null;
	const isIts = found?.run?.id === move.jobId;
	const container = await db.container.findUnique({
		where: { id: move.containerId },
		select: { nodeId: true }
	});
	return {
		move,
		run: isIts ? found?.run : null,
		steps: isIts && found ? found.steps : [],
		lines: isIts && found ? found.lines : [],
		migrations: await migrationsOfMove(db, move),
		isAway: container?.nodeId === move.toNodeId,
		may: {
			write: permissions.has('infrastructure:write'),
			// Who has asked for it already waits for the run.
			cancel: move.error !== 'cancelled' && (await mayCancel(db, move)),
			tenants: permissions.has('tenants:read')
		},
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.cmove_title(), href: '/admin/infrastructure/moves' },
			{ label: `${move.container.vmid} ${move.container.hostname}`, mono: true }
		]
	};
};

export const actions: Actions = {
	retry: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			const { status } = await transaction((tx) => retryMove(tx, event.params.id, by));
			return { message: status === 'planned' ? m.cmove_retry_turn() : m.cmove_retry_done() };
		});
	},
	begin: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await transaction((tx) => beginEarly(tx, event.params.id, by));
			return { message: m.move_begun_early() };
		});
	},
	cancel: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await transaction((tx) => cancelMove(tx, event.params.id, by));
			return { message: m.cmove_cancelled_done() };
		});
	},
	confirm: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await transaction((tx) => confirmMove(tx, event.params.id, by));
			return { message: m.cmove_confirmed_done() };
		});
	},
	back: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			const { id } = await transaction(async (tx) => {
				const { containerId, fromNodeId } = await moveOfId(tx, event.params.id);
				return askForMove(tx, { containerId, toNodeId: fromNodeId }, by);
			});
			redirect(303, `/admin/infrastructure/moves/${id}`);
		});
	}
};
