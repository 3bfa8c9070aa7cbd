/**
 * `npm run staff:create -- --email ana@empresa.com --name "Ana Pérez" [--role administrator]` makes somebody of the staff
 * and prints a link to set the password. There is no default password.
 */
import { parseArgs } from 'node:util';
import { db, transaction } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { addStaff } from '#lib/identity/staff.server.ts';
import { STAFF_ROLES } from '#lib/identity/permissions.ts';
import { issueUserToken } from '#lib/identity/userTokens.server.ts';

const { values } = parseArgs({
	options: {
		email: { type: 'string' },
		name: { type: 'string' },
		role: { type: 'string', default: 'administrator' }
	}
});
const role = STAFF_ROLES.find((key) => key === values.role);
if (!values.email || !values.name || !role) {
	console.error(
		`usage: npm run staff:create -- --email <email> --name <name> [--role ${STAFF_ROLES.join('|')}]`
	);
	process.exit(2);
}
const { email, name } = values;

try {
	const { userId, hasPassword } = await transaction((tx) =>
		addStaff(tx, { email, fullName: name, role })
	);
	if (hasPassword) {
		console.log(
			`${email} is ${role} now and logs in with the password that the account has: ${env.ORIGIN}/login/admin`
		);
	} else {
		const { token, expiresAt } = await issueUserToken(db, userId, 'set_password');
		console.log(`${email} is ${role} now. Open this once, before ${expiresAt.toISOString()}:`);
		console.log(`${env.ORIGIN}/set-password/${token}`);
	}
} finally {
	await db.$disconnect();
}
