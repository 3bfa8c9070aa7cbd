import type { RequestEvent } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { changePassword } from './account.server.ts';
import type { Auth } from './auth.ts';
import { deviceOf } from './device.ts';
import { hasSteppedUp, requireStepUp } from './guard.server.ts';
import { requestOrigin } from './login.server.ts';
import { changePasswordForm, codeForm, sessionForm } from './schema.ts';
import { staffSecondFactorRequired } from './secondFactor.server.ts';
import { revokeSession, revokeSessions } from './sessions.server.ts';
import {
	beginTotp,
	disableTotp,
	enableTotp,
	forgetBegunTotp,
	renewRecoveryCodes
} from './totp.server.ts';

/** What the security page of either side shows. Sessions of both sides, newest first, at most 100. */
export async function securityPage(event: Pick<RequestEvent, 'locals'>) {
	const auth = person(event);
	const userId = auth.user.id;
	const credential = await db.userCredential.findUnique({
		where: { userId },
		select: { passwordSetAt: true, totpSecret: true, totpEnabledAt: true }
	});
	const sessions = await db.session.findMany({
		where: { userId, expiresAt: { gt: new Date() } },
		orderBy: { lastSeenAt: 'desc' },
		take: 100,
		select: { id: true, side: true, ip: true, userAgent: true, createdAt: true, lastSeenAt: true }
	});
	const begun = Boolean(credential?.totpSecret) && !credential?.totpEnabledAt;
	return {
		email: auth.user.email,
		customerId: auth.customer?.id,
		passwordSetAt: credential?.passwordSetAt ?? null,
		secondFactor: {
			enabledAt: credential?.totpEnabledAt ?? null,
			required: auth.side === 'staff' && (await staffSecondFactorRequired()),
			recoveryCodesLeft: await db.recoveryCode.count({ where: { userId, usedAt: null } }),
			// The key is shown to who has just proved who they are, and to nobody who found the browser open.
			enrolment: begun && hasSteppedUp(auth) ? await beginTotp(auth) : null
		},
		sessions: sessions.map(({ userAgent, ...session }) => ({
			...session,
			device: deviceOf(userAgent),
			current: session.id === auth.session?.id
		}))
	};
}

export type SecurityPage = Awaited<ReturnType<typeof securityPage>>;

/** The actions of the security page; each route names them behind a guard of its own. */
export const securityActions = {
	password: (event: RequestEvent) =>
		answerForm(event.request, changePasswordForm, async ({ current, password }) => {
			await changePassword(person(event), current, password, requestOrigin(event));
			return { message: m.security_password_changed() };
		}),

	begin: async (event: RequestEvent) => {
		requireStepUp(event);
		await beginTotp(person(event));
		return {};
	},

	cancel: async (event: RequestEvent) => {
		await forgetBegunTotp(person(event));
		return {};
	},

	enable: (event: RequestEvent) => {
		requireStepUp(event);
		return answerForm(event.request, codeForm, async ({ code }) => ({
			recoveryCodes: await transaction((tx) =>
				enableTotp(tx, person(event), code, requestOrigin(event))
			)
		}));
	},

	disable: async (event: RequestEvent) => {
		requireStepUp(event);
		const auth = person(event);
		if (auth.side === 'staff' && (await staffSecondFactorRequired()))
			throw new AppError('FORBIDDEN');
		await transaction((tx) => disableTotp(tx, auth, requestOrigin(event)));
		return { message: m.security_second_factor_disabled() };
	},

	recovery: async (event: RequestEvent) => {
		requireStepUp(event);
		return {
			recoveryCodes: await transaction((tx) =>
				renewRecoveryCodes(tx, person(event), requestOrigin(event))
			)
		};
	},

	revoke: (event: RequestEvent) =>
		answerForm(event.request, sessionForm, async ({ session_id }) => {
			await transaction((tx) => revokeSession(tx, person(event), session_id));
			return { message: m.security_session_ended() };
		}),

	revokeOthers: async (event: RequestEvent) => {
		const auth = person(event);
		await transaction((tx) => revokeSessions(tx, auth.user.id, auth.session?.id));
		return { message: m.security_sessions_ended() };
	}
};

function person(event: Pick<RequestEvent, 'locals'>): Auth {
	const { auth } = event.locals;
	if (!auth?.session) throw new AppError('NOT_LOGGED_IN');
	return auth;
}
