import { HOUR, MINUTE, after } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { UserTokenPurpose } from '#prisma/generated/enums.ts';
import { type Bearer, newBearer, readBearer, sameSecret } from './bearer.server.ts';

const LASTS: Record<UserTokenPurpose, number> = {
	set_password: 72 * HOUR,
	reset_password: HOUR,
	// Between password and code.
	second_factor: 5 * MINUTE
};

/** Makes a one-time token. Only its holder ever has it: the database keeps a hash. */
export async function issueUserToken(
	tx: Tx,
	userId: string,
	purpose: UserTokenPurpose
): Promise<{ token: string; expiresAt: Date }> {
	const { id, token, secretHash } = newBearer();
	const expiresAt = after(new Date(), LASTS[purpose]);
	await tx.userToken.create({ data: { id, secretHash, userId, purpose, expiresAt } });
	return { token, expiresAt };
}

/**
 * Whose token this is, without using it up.
 * @throws {AppError} LINK_EXPIRED when it is unknown, used or too old: all the same to who holds it
 */
export async function readUserToken(
	tx: Tx,
	token: string | undefined,
	purposes: UserTokenPurpose[]
): Promise<{ id: string; userId: string; purpose: UserTokenPurpose }> {
	const given: Omit<Bearer, 'token'> | null = readBearer(token);
	const stored = given && (await tx.userToken.findUnique({ where: { id: given.id } }));
	if (!given || !stored || !sameSecret(given, stored.secretHash))
		throw new AppError('LINK_EXPIRED');
	if (stored.usedAt || stored.expiresAt <= new Date() || !purposes.includes(stored.purpose)) {
		throw new AppError('LINK_EXPIRED');
	}
	const { id, userId, purpose } = stored;
	return { id, userId, purpose };
}

/** Uses the token up: of two that come at once, one. @throws {AppError} LINK_EXPIRED */
export async function spendUserToken(tx: Tx, id: string): Promise<void> {
	const { count } = await tx.userToken.updateMany({
		where: { id, usedAt: null },
		data: { usedAt: new Date() }
	});
	if (count !== 1) throw new AppError('LINK_EXPIRED');
}

/** Voids every link that was mailed to a person: a new password was set. */
export async function voidUserTokens(tx: Tx, userId: string): Promise<void> {
	await tx.userToken.updateMany({ where: { userId, usedAt: null }, data: { usedAt: new Date() } });
}
