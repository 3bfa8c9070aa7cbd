import { DAY, after } from '#lib/core/clock.server.ts';
import { isUniqueViolation, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { queueMail } from '#lib/notifications/mail.server.ts';
import type { Invitation } from '#prisma/generated/client.ts';
import { m } from '#i18n/paraglide/messages.js';
import { newBearer } from './bearer.server.ts';
import { foldEmail } from './email.ts';
import { lockTeam, roleToGive, type TeamActor } from './membersChange.server.ts';

/** How long an invitation can be accepted. Wall-clock time, as all links. */
export const INVITATION_LASTS = 7 * DAY;

export interface NewInvitation {
	customerId: string;
	email: string;
	/** Key of the role. */
	role: string;
	locale: string;
}

/**
 * Asks somebody by mail to join a company. The link is made when the mail is sent and stored nowhere.
 * @throws {AppError} BAD_INPUT beside `email` for who belongs to it or is asked already, beside `role`; NOT_FOUND for a
 * company that is deleted
 */
export async function invite(tx: Tx, input: NewInvitation, actor: TeamActor): Promise<Invitation> {
	const { customerId, locale } = input;
	const email = foldEmail(input.email);
	await lockTeam(tx, customerId);
	const role = await roleToGive(tx, actor, input.role);
	const member = await tx.membership.findFirst({
		where: { customerId, user: { email } },
		select: { id: true }
	});
	if (member) throw beside('email', m.invite_is_member());
	// One that nobody accepted in time makes room for the next.
	await tx.invitation.updateMany({
		where: { customerId, email, acceptedAt: null, revokedAt: null, expiresAt: { lte: new Date() } },
		data: { revokedAt: new Date() }
	});
	const { id, secretHash } = newBearer();
	const expiresAt = after(new Date(), INVITATION_LASTS);
	const asked = await tx.invitation.findFirst({
		where: { customerId, email, acceptedAt: null, revokedAt: null },
		select: { id: true }
	});
	if (asked) throw beside('email', m.invite_is_asked());
	const invitation = await tx.invitation
		.create({
			data: {
				...{ id, secretHash, customerId, email, locale, expiresAt, roleId: role.id },
				byId: actor.by.id,
				byLabel: actor.by.label
			}
		})
		.catch((error: unknown) => {
			throw isUniqueViolation(error) ? beside('email', m.invite_is_asked()) : error;
		});
	await mail(tx, invitation);
	await note(tx, invitation, actor, 'identity.invite', { email, role: role.key });
	return invitation;
}

/**
 * Sends it once more: seven days from now, with a new secret; the earlier link stops working.
 * @throws {AppError} NOT_FOUND; LINK_EXPIRED when it was accepted or taken back
 */
export async function resendInvitation(
	tx: Tx,
	given: { customerId: string; invitationId: string },
	actor: TeamActor
): Promise<void> {
	const invitation = await openOne(tx, given, actor);
	const sentAt = new Date();
	const expiresAt = after(sentAt, INVITATION_LASTS);
	const { secretHash } = newBearer();
	const again = await tx.invitation.update({
		where: { id: invitation.id },
		data: { secretHash, sentAt, expiresAt }
	});
	await mail(tx, again);
	await note(tx, invitation, actor, 'identity.resend_invitation', { email: invitation.email });
}

/** @throws {AppError} NOT_FOUND; LINK_EXPIRED when it was accepted or taken back */
export async function revokeInvitation(
	tx: Tx,
	given: { customerId: string; invitationId: string },
	actor: TeamActor
): Promise<void> {
	const invitation = await openOne(tx, given, actor);
	await tx.invitation.update({ where: { id: invitation.id }, data: { revokedAt: new Date() } });
	await note(tx, invitation, actor, 'identity.revoke_invitation', { email: invitation.email });
}

/** Takes back whatever is open: the company is deleted. */
export async function revokeInvitationsOf(tx: Tx, customerId: string): Promise<void> {
	await tx.invitation.updateMany({
		where: { customerId, acceptedAt: null, revokedAt: null },
		data: { revokedAt: new Date() }
	});
}

/** The newest invitations of a company that nobody accepted or took back, expired ones included. */
export function openInvitations(tx: Tx, customerId: string) {
	return tx.invitation.findMany({
		where: { customerId, acceptedAt: null, revokedAt: null },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		take: 100,
		select: {
			id: true,
			email: true,
			byLabel: true,
			sentAt: true,
			expiresAt: true,
			role: { select: { key: true, name: true } }
		}
	});
}

/**
 * A new secret for the mail that is being sent: the earlier one, of a mail that failed half-way, is void.
 * @returns what stands behind `/invite/` in the link
 */
export async function invitationToken(tx: Tx, id: string): Promise<string> {
	const { token, secretHash } = newBearer();
	await tx.invitation.updateMany({ where: { id }, data: { secretHash } });
	return `${id}.${token.split('.')[1]}`;
}

async function openOne(
	tx: Tx,
	{ customerId, invitationId }: { customerId: string; invitationId: string },
	actor: TeamActor
) {
	await lockTeam(tx, customerId);
	const invitation = await tx.invitation.findFirst({
		where: { id: invitationId, customerId },
		include: { role: { select: { key: true } } }
	});
	if (!invitation) throw new AppError('NOT_FOUND');
	if (invitation.acceptedAt || invitation.revokedAt) throw new AppError('LINK_EXPIRED');
	await roleToGive(tx, actor, invitation.role.key);
	return invitation;
}

async function mail(tx: Tx, invitation: Invitation): Promise<void> {
	const { id, customerId, email, locale, byLabel, sentAt } = invitation;
	const company = await tx.customer.findFirst({
		where: { id: customerId, status: { not: 'deleted' } },
		select: { companyName: true }
	});
	if (!company) throw new AppError('NOT_FOUND');
	const known = await tx.user.findUnique({ where: { email }, select: { fullName: true } });
	await queueMail(tx, {
		template: 'invitation',
		userId: null,
		customerId,
		to: email,
		locale,
		data: {
			invitation: id,
			name: known?.fullName ?? email,
			company: company.companyName,
			by: byLabel
		},
		dedupeKey: `invitation:${id}:${sentAt.getTime()}`
	});
}

async function note(
	tx: Tx,
	{ id, customerId }: Pick<Invitation, 'id' | 'customerId'>,
	{ by }: TeamActor,
	action: string,
	after: Record<string, unknown>
): Promise<void> {
	await audit(tx, { actor: by, action, subject: { type: 'invitation', id }, customerId, after });
	await publish(tx, `customer:${customerId}`, 'team');
}

function beside(field: string, sentence: string): AppError {
	return new AppError('BAD_INPUT', { fields: { [field]: sentence } });
}
