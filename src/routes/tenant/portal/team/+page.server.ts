import { redirect } from '@sveltejs/kit';
import { asCustomer, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireCustomer, requireStepUp } from '#lib/identity/guard.server.ts';
import {
	invite,
	openInvitations,
	resendInvitation,
	revokeInvitation
} from '#lib/identity/invitations.server.ts';
import {
	inviteForm,
	invitationForm,
	memberForm,
	roleForm,
	transferForm
} from '#lib/identity/memberForms.ts';
import { listMembers, MEMBER_LIST } from '#lib/identity/memberList.server.ts';
import {
	changeRole,
	removeMember,
	rolesToGive,
	transferOwnership
} from '#lib/identity/membersChange.server.ts';
import { expectMay } from '#lib/plans/may.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId, user, permissions } = requireCustomer(event, 'team:read');
	const query = parseListQuery(event.url, MEMBER_LIST);
	const mayManage = permissions.has('team:manage');
	const auth = event.locals.auth;
	return asCustomer(scope, async (tx) => {
		const { rows, meta } = await listMembers(tx, customerId, query);
		return {
			rows: rows.map((row) => ({ ...row, isSelf: row.user.id === user.id })),
			meta,
			invited: await openInvitations(tx, customerId),
			roles: mayManage ? await rolesToGive(tx, { grants: permissions }) : [],
			mayTransfer: auth?.role === 'owner',
			confirmed: auth !== null && hasSteppedUp(auth)
		};
	});
};

export const actions: Actions = {
	invite: (event) => {
		const { customerId, permissions } = requireCustomer(event, 'team:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: permissions };
		return answerForm(event.request, inviteForm, async ({ email, role }) => {
			const { locale } = event.locals;
			await transaction(async (tx) => {
				await expectMay(tx, { customerId }, 'members');
				await invite(tx, { customerId, email, role, locale }, actor);
			});
			return { message: m.invite_sent({ email }) };
		});
	},
	resend: (event) => {
		const { customerId, permissions } = requireCustomer(event, 'team:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: permissions };
		return answerForm(event.request, invitationForm, async ({ invitation_id }) => {
			const given = { customerId, invitationId: invitation_id };
			await transaction((tx) => resendInvitation(tx, given, actor));
			return { message: m.invite_resent() };
		});
	},
	revoke: (event) => {
		const { customerId, permissions } = requireCustomer(event, 'team:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: permissions };
		return answerForm(event.request, invitationForm, async ({ invitation_id }) => {
			const given = { customerId, invitationId: invitation_id };
			await transaction((tx) => revokeInvitation(tx, given, actor));
			return { message: m.invite_revoked() };
		});
	},
	role: (event) => {
		const { customerId, permissions } = requireCustomer(event, 'team:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: permissions };
		return answerForm(event.request, roleForm, async ({ membership_id, role }) => {
			const given = { customerId, membershipId: membership_id, role };
			await transaction((tx) => changeRole(tx, given, actor));
			return { message: m.members_role_changed() };
		});
	},
	remove: (event) => {
		const { customerId, permissions } = requireCustomer(event, 'team:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: permissions };
		return answerForm(event.request, memberForm, async ({ membership_id }) => {
			const given = { customerId, membershipId: membership_id };
			await transaction((tx) => removeMember(tx, given, actor));
			return { message: m.members_removed() };
		});
	},
	transfer: (event) => {
		const { customerId, permissions, user, scope } = requireCustomer(event, 'team:manage');
		requireStepUp(event);
		const actor = { by: actorOf(event.locals.auth!), grants: permissions };
		return answerForm(event.request, transferForm, async ({ membership_id, confirm }) => {
			const to = await asCustomer(scope, (tx) =>
				tx.membership.findFirst({
					where: { id: membership_id, customerId },
					select: { user: { select: { fullName: true } } }
				})
			);
			if (!to) throw new AppError('NOT_FOUND');
			if (confirm !== to.user.fullName.trim())
				throw new AppError('BAD_INPUT', {
					fields: { confirm: m.tenant_confirm_differs({ name: to.user.fullName }) }
				});
			const given = { customerId, membershipId: membership_id, fromUserId: user.id };
			await transaction((tx) => transferOwnership(tx, given, actor));
			redirect(303, '/tenant/portal/team');
		});
	}
};
