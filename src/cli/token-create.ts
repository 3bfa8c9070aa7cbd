/**
 * `npm run token:create -- --email ana@empresa.com --name "CI" --scopes tenants:read,tenants:create [--days 365]` prints an
 * API token of somebody of the staff, once. `--scopes '*'`: all that the person may.
 */
import { parseArgs } from 'node:util';
import { DAY, after } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { isQueueOpen, startQueue, stopQueue } from '#lib/core/queue.server.ts';
import { createApiToken } from '#lib/identity/apiTokens.server.ts';
import { foldEmail } from '#lib/identity/email.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import '#lib/notifications/jobs.server.ts';

const { values } = parseArgs({
	options: {
		email: { type: 'string' },
		name: { type: 'string' },
		scopes: { type: 'string' },
		days: { type: 'string', default: '365' }
	}
});
const { email, name, scopes } = values;
const days = Number(values.days);
if (!email || !name || !scopes || !(days > 0)) {
	console.error(
		"usage: npm run token:create -- --email <staff> --name <name> --scopes a:b,c:d|'*' [--days 365]"
	);
	process.exit(2);
}

try {
	const user = await db.user.findUnique({
		where: { email: foldEmail(email), staffRoleId: { not: null } }
	});
	if (!user) throw new Error(`nobody of the staff has the address ${email}`);
	// The person is told of the token by mail, which the application sends.
	await startQueue({ work: false });
	const { token } = await transaction((tx) =>
		createApiToken(tx, {
			userId: user.id,
			customerId: null,
			name,
			scopes: scopes.split(',').map((scope) => scope.trim()),
			expiresAt: after(new Date(), days * DAY),
			by: SYSTEM,
			from: 'console'
		})
	);
	console.log(token);
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
} finally {
	if (isQueueOpen()) await stopQueue(2);
	await db.$disconnect();
}
