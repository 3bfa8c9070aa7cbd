import { after, HOUR, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { isPlatformName, lockName } from '../domains/base/platformNames.server.ts';
import { setting } from '../settings/settings.server.ts';
import { slugProblem } from './slug.ts';

export type NameState = 'free' | 'taken' | 'reserved' | 'bad';

/** Whether a visitor could have this name now. */
export async function nameState(tx: Tx, slug: string): Promise<NameState> {
	const problem = slugProblem(slug);
	if (problem) return problem === 'reserved' ? 'reserved' : 'bad';
	if (await isPlatformName(tx, slug)) return 'reserved';
	const held = await tx.nameReservation.findFirst({
		where: { slug, OR: [{ expiresAt: null }, { expiresAt: { gt: now() } }] },
		select: { slug: true }
	});
	return held ? 'taken' : 'free';
}

export interface Holder {
	/** Exactly one of the two. */
	signup?: { id: string; email: string; ip: string | null };
	tenantId?: string;
}

/**
 * Takes a name for a signup or a tenant. Of two at the same time exactly one gets it: the primary key decides.
 * @throws {AppError} NAME_TAKEN, NAME_RESERVED, TOO_MANY_RESERVATIONS
 */
export async function reserveName(tx: Tx, slug: string, holder: Holder): Promise<void> {
	if (slugProblem(slug)) throw new AppError('NAME_RESERVED');
	await lockName(tx, slug);
	if (await isPlatformName(tx, slug)) throw new AppError('NAME_RESERVED');
	await letGoOfOld(tx, slug, holder);
	if (holder.signup) await limitPerAddress(tx, holder.signup);
	const { count } = await tx.nameReservation.createMany({
		data: { slug, signupId: holder.signup?.id, tenantId: holder.tenantId, ip: holder.signup?.ip },
		skipDuplicates: true
	});
	if (count === 1) return;
	const held = await tx.nameReservation.findUnique({ where: { slug } });
	const isSame =
		held &&
		(holder.signup ? held.signupId === holder.signup.id : held.tenantId === holder.tenantId);
	if (!isSame) throw new AppError('NAME_TAKEN');
}

/** The name now belongs to the tenant that its signup paid for. */
export async function passToTenant(tx: Tx, signupId: string, tenantId: string): Promise<void> {
	await tx.nameReservation.update({
		where: { signupId },
		data: { signupId: null, tenantId, expiresAt: null }
	});
}

/** Gives up the name that an unpaid signup held. */
export async function releaseName(tx: Tx, signupId: string): Promise<void> {
	await tx.nameReservation.deleteMany({ where: { signupId } });
}

/** Gives up the name of a deleted tenant. */
export async function releaseTenantName(tx: Tx, tenantId: string): Promise<void> {
	await tx.nameReservation.deleteMany({ where: { tenantId } });
}

/** After a refund the name stays with its signup for some hours, so that the same person can try again. */
export async function holdAfterRefund(
	tx: Tx,
	tenantId: string,
	signupId: string | null
): Promise<void> {
	const hours = await setting('provisioning.slug_hold_hours');
	await tx.nameReservation.updateMany({
		where: { tenantId },
		data: { tenantId: null, signupId, expiresAt: after(now(), hours * HOUR) }
	});
}

/** What has run out, and what the same person's refunded signup still holds. */
async function letGoOfOld(tx: Tx, slug: string, holder: Holder): Promise<void> {
	await tx.nameReservation.deleteMany({
		where: {
			slug,
			OR: [
				{ expiresAt: { lte: now() } },
				...(holder.signup
					? [
							{
								signup: {
									email: holder.signup.email,
									status: { in: ['refunding' as const, 'refunded' as const] }
								}
							}
						]
					: [])
			]
		}
	});
}

async function limitPerAddress(tx: Tx, signup: { id: string; ip: string | null }): Promise<void> {
	if (!signup.ip) return;
	const live = await tx.nameReservation.count({
		where: {
			ip: signup.ip,
			signupId: { not: null },
			NOT: { signupId: signup.id },
			signup: { status: 'open' }
		}
	});
	if (live >= (await setting('provisioning.reservations_per_address')))
		throw new AppError('TOO_MANY_RESERVATIONS');
}
