import { randomBytes } from 'node:crypto';
import { generateHOTP } from '@oslojs/otp';
import { encrypt } from '#lib/core/crypto.server.ts';
import { db } from '#lib/core/db.server.ts';
import { newBearer } from '#lib/identity/bearer.server.ts';
import { hashPassword } from '#lib/identity/passwords.server.ts';
import { type CustomerRoleKey, type StaffRoleKey, seedRoles } from '#lib/identity/permissions.ts';
import { createSession } from '#lib/identity/sessions.server.ts';
import type { Customer, Invitation, User } from '#prisma/generated/client.ts';

/** The password of everybody whom these factories make. */
export const PASSWORD = 'cuatro palabras al azar 42';
let hashed: Promise<string> | undefined;

interface UserOptions {
	email?: string;
	fullName?: string;
	locale?: string;
	/** False: nobody can log in before setting one by a link. */
	password?: boolean;
}

export interface StaffUser extends User {
	/** Key of the second factor; `codeOf` makes codes of it. */
	totpKey: Uint8Array;
}

/** Somebody of the staff, with a second factor. */
export async function createStaff(
	role: StaffRoleKey = 'administrator',
	options: UserOptions & { secondFactor?: boolean } = {}
): Promise<StaffUser> {
	const { id: staffRoleId } = await roleOf('staff', role);
	const user = await createUser({ fullName: `Staff ${role}`, ...options }, staffRoleId);
	const totpKey = new Uint8Array(randomBytes(20));
	if (options.secondFactor !== false) {
		await db.userCredential.update({
			where: { userId: user.id },
			data: {
				totpSecret: encrypt(Buffer.from(totpKey).toString('base64'), `user:${user.id}:totp`),
				totpEnabledAt: new Date()
			}
		});
	}
	return { ...user, totpKey };
}

/** Somebody who belongs to a company, a new one when none is given. */
export async function createMember(
	role: CustomerRoleKey = 'owner',
	customer?: Pick<Customer, 'id'>,
	options: UserOptions = {}
): Promise<User & { customerId: string }> {
	const { id: roleId } = await roleOf('customer', role);
	const user = await createUser({ fullName: `Member ${role}`, ...options }, null);
	const customerId = customer?.id ?? (await createCompany()).id;
	await db.membership.create({ data: { userId: user.id, customerId, roleId } });
	return { ...user, customerId };
}

/** A company without anything else. */
export function createCompany(companyName = `Empresa ${unique()}`): Promise<Customer> {
	return db.customer.create({
		data: { companyName, fullName: 'Contacto', email: `${unique()}@example.com`, status: 'active' }
	});
}

/**
 * A session of this person, staff's when `customerId` is absent.
 * @returns the session's id, the cookie's value, and the header of a request that carries it
 */
export async function sessionFor(
	user: { id: string; customerId?: string },
	options: { stepUp?: boolean } = {}
): Promise<{ id: string; token: string; cookie: string }> {
	const { id, token } = await createSession(db, {
		userId: user.id,
		side: user.customerId ? 'customer' : 'staff',
		customerId: user.customerId ?? null,
		ip: '127.0.0.1',
		userAgent: 'tests',
		secondFactor: !user.customerId
	});
	if (options.stepUp === false)
		await db.session.update({ where: { id }, data: { stepUpAt: null } });
	return { id, token, cookie: `session=${token}` };
}

/** An API token of this person with these scopes, ready for `Authorization`. */
export async function bearerFor(
	user: { id: string; customerId?: string },
	scopes: string[]
): Promise<string> {
	const { id, token, secretHash } = newBearer();
	await db.apiToken.create({
		data: {
			id,
			secretHash,
			name: 'tests',
			userId: user.id,
			customerId: user.customerId ?? null,
			scopes
		}
	});
	return `Bearer ${token}`;
}

/** Somebody is asked to join; `invitationToken` makes its link. */
export async function anInvitation(
	customerId: string,
	options: { email?: string; role?: CustomerRoleKey; expiresAt?: Date } = {}
): Promise<Invitation> {
	const { id, secretHash } = newBearer();
	const { id: roleId } = await roleOf('customer', options.role ?? 'member');
	return db.invitation.create({
		data: {
			...{ id, secretHash, customerId, roleId },
			email: options.email ?? `${unique()}@example.com`,
			byLabel: 'tests',
			expiresAt: options.expiresAt ?? new Date(Date.now() + 7 * 86_400_000)
		}
	});
}

/** The code that the application shows `steps` half-minutes from now. */
export function codeOf(key: Uint8Array, steps = 0): string {
	return generateHOTP(key, BigInt(Math.floor(Date.now() / 30_000) + steps), 6);
}

async function createUser(options: UserOptions, staffRoleId: string | null): Promise<User> {
	hashed ??= hashPassword(PASSWORD);
	return db.user.create({
		data: {
			email: options.email ?? `${unique()}@example.com`,
			fullName: options.fullName ?? 'Alguien',
			locale: options.locale ?? 'es',
			staffRoleId,
			credential: {
				create:
					options.password === false
						? {}
						: { passwordHash: await hashed, passwordSetAt: new Date() }
			}
		}
	});
}

async function roleOf(kind: 'staff' | 'customer', key: string): Promise<{ id: string }> {
	const where = { kind_key: { kind, key } };
	const found = await db.role.findUnique({ where, select: { id: true } });
	if (found) return found;
	await seedRoles(db);
	return db.role.findUniqueOrThrow({ where, select: { id: true } });
}

function unique(): string {
	return randomBytes(6).toString('hex');
}
