import { db } from '#lib/core/db.server.ts';
import {
	CUSTOMER_PERMISSIONS,
	type StaffRoleKey,
	STAFF_PERMISSIONS,
	STAFF_ROLES,
	STAFF_ROLE_PERMISSIONS
} from '#lib/identity/permissions.ts';
import { createMember, createStaff, sessionFor } from '../factories/identity.ts';
import type { Guard } from './entries.ts';

/** Somebody who asks. */
export interface Persona {
	name: string;
	cookie?: string;
	/** The company that a member works for. */
	customerId?: string;
}

export interface People {
	anonymous: Persona;
	/** Of a company that owns nothing that the parameters name. */
	otherOwner: Persona;
	/** By permission: a member who may do everything but that. */
	membersWithout: Map<string, Persona>;
	staff: Map<StaffRoleKey, Persona>;
	/** By permission: somebody of the staff who may do everything but that. */
	staffWithout: Map<string, Persona>;
}

/** Everybody with a session of their own, made once. */
export async function createPeople(): Promise<People> {
	const staff = new Map<StaffRoleKey, Persona>();
	for (const key of STAFF_ROLES)
		staff.set(key, await staffPersona(key, (await createStaff(key)).id));
	const staffWithout = new Map<string, Persona>();
	for (const permission of Object.keys(STAFF_PERMISSIONS)) {
		const role = await roleWithout('staff', Object.keys(STAFF_PERMISSIONS), permission);
		const user = await createStaff('auditor', { password: false });
		await db.user.update({ where: { id: user.id }, data: { staffRoleId: role } });
		staffWithout.set(permission, await staffPersona(`staff without ${permission}`, user.id));
	}
	const membersWithout = new Map<string, Persona>();
	for (const permission of Object.keys(CUSTOMER_PERMISSIONS)) {
		const role = await roleWithout('customer', Object.keys(CUSTOMER_PERMISSIONS), permission);
		const member = await createMember('owner', undefined, { password: false });
		await db.membership.updateMany({ where: { userId: member.id }, data: { roleId: role } });
		membersWithout.set(permission, await memberPersona(`member without ${permission}`, member));
	}
	const otherOwner = await memberPersona('owner of another customer', await createMember('owner'));
	return { anonymous: { name: 'anonymous' }, otherOwner, membersWithout, staff, staffWithout };
}

/** Who must be refused, as the guard has it. @param namesRow the request names a row, which is nobody's of these */
export function refusedPersonas(people: People, guard: Guard, namesRow: boolean): Persona[] {
	const { anonymous, otherOwner, membersWithout, staff, staffWithout } = people;
	if (guard.kind === 'staff') {
		const { permission } = guard;
		const roles = STAFF_ROLES.filter(
			(key) => !STAFF_ROLE_PERMISSIONS[key].some((name) => name === permission)
		);
		return [
			anonymous,
			otherOwner,
			...membersWithout.values().take(1),
			...present(staffWithout.get(permission)),
			...roles.flatMap((key) => present(staff.get(key)))
		];
	}
	if (guard.kind === 'customer') {
		return [
			anonymous,
			...staff.values(),
			...present(membersWithout.get(guard.permission)),
			// Without a parameter the owner of another customer sees that customer, which is right.
			...(namesRow ? [otherOwner] : [])
		];
	}
	return guard.kind === 'public' && namesRow ? [anonymous, otherOwner] : [anonymous];
}

function present(persona: Persona | undefined): Persona[] {
	if (!persona) throw new Error('the permission is in no list of src/lib/identity/permissions.ts');
	return [persona];
}

async function roleWithout(
	kind: 'staff' | 'customer',
	all: string[],
	permission: string
): Promise<string> {
	const permissions = all.filter((name) => name !== permission);
	const key = `without-${permission}`;
	return (await db.role.create({ data: { kind, key, name: key, permissions } })).id;
}

async function staffPersona(name: string, id: string): Promise<Persona> {
	return { name, cookie: (await sessionFor({ id })).cookie };
}

async function memberPersona(
	name: string,
	member: { id: string; customerId: string }
): Promise<Persona> {
	return { name, cookie: (await sessionFor(member)).cookie, customerId: member.customerId };
}
