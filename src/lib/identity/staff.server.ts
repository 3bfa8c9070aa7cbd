import type { Tx } from '#lib/core/db.server.ts';
import { type Actor, SYSTEM, audit } from '#lib/logs/audit.server.ts';
import { foldEmail } from './email.ts';
import type { StaffRoleKey } from './permissions.ts';
import { accessChanged } from './sessions.server.ts';

export interface NewStaff {
	email: string;
	fullName: string;
	role: StaffRoleKey;
	locale?: 'es' | 'en';
}

/**
 * Makes somebody staff: a new person, or one who is known already and keeps everything else. Sets no password: the
 * mailed or printed link does.
 */
export async function addStaff(
	tx: Tx,
	given: NewStaff,
	by: Actor = SYSTEM
): Promise<{ userId: string; hasPassword: boolean }> {
	const email = foldEmail(given.email);
	const role = await tx.role.findUniqueOrThrow({
		where: { kind_key: { kind: 'staff', key: given.role } }
	});
	const before = await tx.user.findUnique({
		where: { email },
		select: { staffRole: { select: { key: true } }, credential: { select: { passwordHash: true } } }
	});
	const { id } = await tx.user.upsert({
		where: { email },
		create: { email, fullName: given.fullName, locale: given.locale ?? 'es', staffRoleId: role.id },
		update: { staffRoleId: role.id }
	});
	await accessChanged(tx, id);
	await audit(tx, {
		actor: by,
		action: 'identity.add_staff',
		subject: { type: 'user', id },
		before: { role: before?.staffRole?.key ?? null },
		after: { email, role: given.role }
	});
	return { userId: id, hasPassword: Boolean(before?.credential?.passwordHash) };
}
