import { z } from 'zod';
import { asCustomer, db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publicRoute, requireCustomer, requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';
import { signupOfRequest } from './signupCookie.server.ts';

defineTopic({
	name: 'admin.tenants',
	channels: () => ['staff:tenants'],
	guard: (event) => {
		requireStaff(event, 'tenants:read');
		return '';
	}
});

defineTopic({
	name: 'admin.tenant',
	channels: (tenantId) => [`tenant:${tenantId}`],
	guard: async (event, id) => {
		requireStaff(event, 'tenants:read');
		return known(await db.tenant.findUnique({ where: { id: uuid(id) }, select: { id: true } }));
	}
});

defineTopic({
	name: 'portal.tenant',
	channels: (tenantId) => [`tenant:${tenantId}`],
	guard: async (event, id) => {
		const { scope, customerId } = requireCustomer(event, 'instance:read');
		const where = { id: uuid(id), customerId };
		return known(
			await asCustomer(scope, (tx) => tx.tenant.findFirst({ where, select: { id: true } }))
		);
	}
});

defineTopic({
	// Who holds the signed cookie of a signup hears of it without a login, its company after one; the id alone opens nothing.
	name: 'signup',
	channels: async (signupId) => {
		const signup = await db.signup.findUnique({
			where: { id: signupId },
			select: { tenantId: true }
		});
		return [`signup:${signupId}`, ...(signup?.tenantId ? [`tenant:${signup.tenantId}`] : [])];
	},
	// The payment leads to a tenant, whose steps concern the same page.
	moves: true,
	guard: async (event, id) => {
		const auth = publicRoute(event);
		if (signupOfRequest(event.request) === id) return uuid(id);
		if (!auth) throw new AppError('NOT_LOGGED_IN');
		const { customerId } = requireCustomer(event, 'instance:read');
		// Members may not read the table itself: it holds what a visitor typed.
		const where = { id: uuid(id), customerId };
		return known(await db.signup.findFirst({ where, select: { id: true } }));
	}
});

/** @throws {AppError} NOT_FOUND for what cannot be an id */
function uuid(id: string): string {
	const parsed = z.uuid().safeParse(id);
	if (!parsed.success) throw new AppError('NOT_FOUND');
	return parsed.data;
}

/** @throws {AppError} NOT_FOUND, the same for what is not there and what is somebody else's */
function known(row: { id: string } | null): string {
	if (!row) throw new AppError('NOT_FOUND');
	return row.id;
}
