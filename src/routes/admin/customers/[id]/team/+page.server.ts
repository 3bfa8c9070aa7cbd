import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
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
	staffTransferForm
} from '#lib/identity/memberForms.ts';
import { listMembers, MEMBER_LIST } from '#lib/identity/memberList.server.ts';
import {
	changeRole,
	removeMember,
	rolesToGive,
	transferByStaff
} from '#lib/identity/membersChange.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'users:read');
	const customer = await findCustomer(db, event.params.id);
	const { rows, meta } = await listMembers(db, customer.id, parseListQuery(event.url, MEMBER_LIST));
	const mayManage = permissions.has('users:manage') && customer.status !== 'deleted';
	return {
		rows: rows.map((row) => ({ ...row, isSelf: false })),
		meta,
		invited: await openInvitations(db, customer.id),
		roles: mayManage ? await rolesToGive(db, { grants: null }) : []
	};
};

export const actions: Actions = {
	invite: async (event) => {
		requireStaff(event, 'users:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: null };
		const customer = await findCustomer(db, event.params.id);
		return answerForm(event.request, inviteForm, async (input) => {
			const { id: customerId, locale } = customer;
			await transaction((tx) => invite(tx, { ...input, customerId, locale }, actor));
			return { message: m.invite_sent({ email: input.email }) };
		});
	},
	resend: async (event) => {
		requireStaff(event, 'users:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: null };
		const { id: customerId } = await findCustomer(db, event.params.id);
		return answerForm(event.request, invitationForm, async ({ invitation_id }) => {
			const given = { customerId, invitationId: invitation_id };
			await transaction((tx) => resendInvitation(tx, given, actor));
			return { message: m.invite_resent() };
		});
	},
	revoke: async (event) => {
		requireStaff(event, 'users:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: null };
		const { id: customerId } = await findCustomer(db, event.params.id);
		return answerForm(event.request, invitationForm, async ({ invitation_id }) => {
			const given = { customerId, invitationId: invitation_id };
			await transaction((tx) => revokeInvitation(tx, given, actor));
			return { message: m.invite_revoked() };
		});
	},
	role: async (event) => {
		requireStaff(event, 'users:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: null };
		const { id: customerId } = await findCustomer(db, event.params.id);
		return answerForm(event.request, roleForm, async ({ membership_id, role }) => {
			const given = { customerId, membershipId: membership_id, role };
			await transaction((tx) => changeRole(tx, given, actor));
			return { message: m.members_role_changed() };
		});
	},
	remove: async (event) => {
		requireStaff(event, 'users:manage');
		const actor = { by: actorOf(event.locals.auth!), grants: null };
		const { id: customerId } = await findCustomer(db, event.params.id);
		return answerForm(event.request, memberForm, async ({ membership_id }) => {
			const given = { customerId, membershipId: membership_id };
			await transaction((tx) => removeMember(tx, given, actor));
			return { message: m.members_removed() };
		});
	},
	transfer: async (event) => {
		requireStaff(event, 'users:manage');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const { id: customerId } = await findCustomer(db, event.params.id);
		return answerForm(event.request, staffTransferForm, async (input) => {
			const { membership_id: membershipId, confirm, reason } = input;
			await transaction(async (tx) => {
				const to = await tx.membership.findFirst({
					where: { id: membershipId, customerId },
					select: { user: { select: { fullName: true } } }
				});
				if (!to) throw new AppError('NOT_FOUND');
				if (confirm !== to.user.fullName.trim())
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.tenant_confirm_differs({ name: to.user.fullName }) }
					});
				await transferByStaff(tx, { customerId, membershipId, reason }, by);
			});
			return { message: m.members_transferred() };
		});
	}
};
