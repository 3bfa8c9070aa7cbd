import { redirect } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { finishEnrolment } from '#lib/infrastructure/nodes/enrolmentFinish.server.ts';
import {
	changedAccessForm,
	confirmForm,
	finishForm
} from '#lib/infrastructure/nodes/enrolmentForms.ts';
import {
	confirmFingerprints,
	discardEnrolment,
	findEnrolment,
	lookAgain,
	reviseEnrolment
} from '#lib/infrastructure/nodes/enrolments.server.ts';
import { enrolmentView } from '#lib/infrastructure/nodes/enrolmentView.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { z } from 'zod';
import type { Actions, PageServerLoad } from './$types';

const nothing = z.object({});
const pageOf = (id: string) => `/admin/infrastructure/nodes/new/${id}`;

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:write');
	const view = await enrolmentView(db, event.params.id);
	// What is wrong with the token or the address is mended where they are typed.
	const isHere = event.url.searchParams.get('step') === 'access';
	return {
		view,
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		changing: view.step !== 'done' && isHere,
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.enrol_title(), href: '/admin/infrastructure/nodes/new' },
			{ label: new URL(view.access.apiUrl).host, mono: true }
		]
	};
};

export const actions: Actions = {
	revise: (event) => {
		requireStaff(event, 'infrastructure:write');
		const { id } = event.params;
		return answerForm(event.request, changedAccessForm, async (input) => {
			await reviseEnrolment(id, input);
			const { error } = await findEnrolment(db, id);
			const stays = error === 'unauthorized' || error === 'no_proxmox';
			redirect(303, stays ? `${pageOf(id)}?step=access` : pageOf(id));
		});
	},
	refresh: (event) => {
		requireStaff(event, 'infrastructure:write');
		const { id } = event.params;
		return answerForm(event.request, nothing, async () => {
			const { apiUrl, sshHost, sshPort, sshUser } = await findEnrolment(db, id);
			await reviseEnrolment(id, { apiUrl, sshHost, sshPort, sshUser, apiToken: null });
			return { message: m.enrol_refreshed() };
		});
	},
	confirm: (event) => {
		requireStaff(event, 'infrastructure:write');
		const { id } = event.params;
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, confirmForm, async (input) => {
			const shown = { apiFingerprint: input.api_fingerprint, sshHostKey: input.ssh_host_key };
			await confirmFingerprints(id, shown, by);
			const { error } = await findEnrolment(db, id);
			const stays = error === 'unauthorized' || error === 'no_proxmox';
			redirect(303, stays ? `${pageOf(id)}?step=access` : pageOf(id));
		});
	},
	look: (event) => {
		requireStaff(event, 'infrastructure:write');
		return answerForm(event.request, nothing, async () => {
			await lookAgain(event.params.id);
			return { message: m.enrol_refreshed() };
		});
	},
	finish: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		const { id } = event.params;
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, finishForm, async (choice) => {
			await finishEnrolment(id, choice, by);
			redirect(303, pageOf(id));
		});
	},
	discard: (event) => {
		requireStaff(event, 'infrastructure:write');
		return answerForm(event.request, nothing, async () => {
			await transaction((tx) => discardEnrolment(tx, event.params.id));
			redirect(303, '/admin/infrastructure/nodes/new');
		});
	}
};
