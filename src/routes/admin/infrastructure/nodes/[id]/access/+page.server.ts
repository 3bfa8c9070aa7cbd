import { fail, redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { whyNodeStays } from '#lib/infrastructure/nodes/dwellers.server.ts';
import { editNode } from '#lib/infrastructure/nodes/editNode.server.ts';
import { nodeForm, tokenForm } from '#lib/infrastructure/nodes/nodeForms.ts';
import { tokenAccount } from '#lib/infrastructure/nodes/nodePage.server.ts';
import { findNode } from '#lib/infrastructure/nodes/oneNode.server.ts';
import { grantCommands } from '#lib/infrastructure/nodes/privileges.ts';
import { removeNode } from '#lib/infrastructure/nodes/removeNode.server.ts';
import { rotateToken } from '#lib/infrastructure/nodes/rotateToken.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:write');
	const node = await findNode(db, event.params.id);
	return {
		account: await tokenAccount(db, node.id),
		stays: await whyNodeStays(db, node),
		fields: {
			api_url: node.apiUrl,
			ssh_host: node.sshHost,
			ssh_port: String(node.sshPort),
			ssh_user: node.sshUser,
			cpu_overcommit: node.cpuOvercommit.toString(),
			ram_overcommit: node.ramOvercommit.toString(),
			disk_overcommit: node.diskOvercommit.toString(),
			max_containers: String(node.maxContainers),
			priority: String(node.priority),
			revision: String(node.revision)
		},
		suggested: suggestedLimits(event.url),
		pins: { api: node.apiFingerprint, ssh: node.sshHostKey }
	};
};

/** What the address proposes of a node's limits; nothing else can be filled in for somebody. */
function suggestedLimits(url: URL): Record<string, string> {
	const names = ['cpu_overcommit', 'ram_overcommit', 'disk_overcommit', 'max_containers'];
	return Object.fromEntries(
		names.flatMap((name) => {
			const value = url.searchParams.get(name);
			return value && /^\d{1,5}(\.\d{1,2})?$/.test(value) ? [[name, value]] : [];
		})
	);
}

/** `reread`: the button that only looks again, and the confirmation that follows it. */
const form = nodeForm.extend({ reread: z.string().optional() });

export const actions: Actions = {
	edit: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, form, async ({ compared, reread, ...patch }) => {
			if (patch.api_fingerprint && !compared)
				throw new AppError('BAD_INPUT', { fields: { compared: m.node_edit_compare() } });
			const rereads = reread !== undefined;
			const edited = await editNode(event.params.id, patch, by, { rereads });
			if (edited.saved) return { message: m.node_saved() };
			const { api_fingerprint: _api, ssh_host_key: _ssh, ...typed } = patch;
			return fail(409, {
				compare: { api: edited.shown.api, ssh: edited.shown.ssh, reread: rereads },
				values: Object.fromEntries(
					Object.entries(typed).map(([name, value]) => [name, String(value)])
				)
			});
		});
	},
	token: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, tokenForm, async ({ api_token }) => {
			const lesser = await rotateToken(event.params.id, api_token, by);
			if (!lesser) return { message: m.node_token_replaced() };
			const names = lesser.lacks.map(({ name, path }) => `${name} (${path})`).join(', ');
			return fail(400, {
				errors: { api_token: m.node_token_lacks({ names }) },
				grants: grantCommands(lesser.account, lesser.lacks),
				values: {}
			});
		});
	},
	remove: (event) => {
		requireStaff(event, 'infrastructure:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const named = z.object({ confirm: z.string().trim() });
		return answerForm(event.request, named, async ({ confirm }) => {
			const { name } = await findNode(db, event.params.id);
			if (confirm !== name)
				throw new AppError('BAD_INPUT', { fields: { confirm: m.ui_type_to_confirm({ name }) } });
			await transaction((tx) => removeNode(tx, event.params.id, by));
			redirect(303, `/admin/infrastructure/nodes/${event.params.id}`);
		});
	}
};
