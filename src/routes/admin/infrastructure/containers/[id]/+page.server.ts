import { z } from 'zod';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import {
	knownSnapshotForm,
	powerForm,
	resizeForm,
	snapshotForm,
	type Wish
} from '#lib/infrastructure/containers/actForms.ts';
import { askForAct, retryAct } from '#lib/infrastructure/containers/acts.server.ts';
import {
	containerOfId,
	currentAct,
	dwellersOf,
	roomAround
} from '#lib/infrastructure/containers/containerPage.server.ts';
import { liveSnapshots, liveTaskLog } from '#lib/infrastructure/containers/liveContainer.server.ts';
import { haOfContainer } from '#lib/infrastructure/ha/haView.server.ts';
import { giveUpServer, retryServer } from '#lib/infrastructure/postgres/requestServer.server.ts';
import { requestRemoval } from '#lib/infrastructure/postgres/removeServer.server.ts';
import { serverView } from '#lib/infrastructure/postgres/serverView.server.ts';
import { metricCharts } from '#lib/infrastructure/metrics/charts.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad, RequestEvent } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const container = await containerOfId(db, event.params.id);
	const { id, status } = container;
	const isThere = status !== 'deleted' && status !== 'provisioning';
	const act = await currentAct(db, id);
	const csv = `${event.url.pathname}/metrics.csv`;
	return {
		dwellers: await dwellersOf(db, id),
		ha: await haOfContainer(db, id),
		server: await serverView(db, container),
		room: await roomAround(db, container.node.id),
		charts: await metricCharts(db, event.url, { kind: 'container', id }, csv),
		// Asked now: the page does not wait for them.
		snapshots: isThere ? liveSnapshots(id) : Promise.resolve(null),
		log: act?.taskUpid ? liveTaskLog(id, act.taskUpid) : Promise.resolve(null)
	};
};

const confirmed = { confirm: z.string().trim() };

/** Asks, after the name that was typed was compared. */
async function asked(
	id: string,
	by: Actor,
	wish: Wish,
	confirm?: string
): Promise<{ message: string }> {
	await transaction(async (tx) => {
		if (confirm !== undefined) await checkName(tx, id, confirm);
		await askForAct(tx, id, wish, by);
	});
	return { message: m.container_asked() };
}

/** @throws {AppError} NOT_FOUND, BAD_INPUT unless the container's name was typed */
async function checkName(tx: Tx, id: string, confirm: string): Promise<void> {
	const { hostname } = await containerOfId(tx, id);
	if (confirm !== hostname)
		throw new AppError('BAD_INPUT', {
			fields: { confirm: m.ui_type_to_confirm({ name: hostname }) }
		});
}

/** Does what cannot be undone, after the name that was typed was compared. */
function confirmedAct(
	event: RequestEvent,
	act: (tx: Tx, id: string, by: Actor) => Promise<void>,
	done: () => string
) {
	const [id, by] = [event.params.id, actorOf(event.locals.auth!)];
	return answerForm(event.request, z.object(confirmed), async ({ confirm }) => {
		await transaction(async (tx) => {
			await checkName(tx, id, confirm);
			await act(tx, id, by);
		});
		return { message: done() };
	});
}

export const actions: Actions = {
	start: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), () =>
			asked(event.params.id, by, { act: 'start' })
		);
	},
	restart: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, powerForm, (input) =>
			asked(event.params.id, by, { act: 'restart', ...input })
		);
	},
	stop: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, powerForm.extend(confirmed), ({ confirm, ...input }) =>
			asked(event.params.id, by, { act: 'stop', ...input }, confirm)
		);
	},
	resize: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, resizeForm, (input) =>
			asked(event.params.id, by, { act: 'resize', ...input })
		);
	},
	snapshot: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, snapshotForm, (input) =>
			asked(event.params.id, by, { act: 'snapshot', ...input })
		);
	},
	rollback: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, knownSnapshotForm.extend(confirmed), ({ confirm, name }) =>
			asked(event.params.id, by, { act: 'rollback', name }, confirm)
		);
	},
	delete_snapshot: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, knownSnapshotForm, ({ name }) =>
			asked(event.params.id, by, { act: 'delete_snapshot', name })
		);
	},
	retry_server: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			await transaction((tx) => retryServer(tx, event.params.id, by));
			return { message: m.dbserver_retried() };
		});
	},
	give_up_server: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		return confirmedAct(event, giveUpServer, m.template_given_up);
	},
	remove_server: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		return confirmedAct(event, requestRemoval, m.dbserver_removing);
	},
	retry: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({ act: z.uuid() }), async ({ act }) => {
			await transaction((tx) => retryAct(tx, event.params.id, act, by));
			return { message: m.container_asked() };
		});
	}
};
