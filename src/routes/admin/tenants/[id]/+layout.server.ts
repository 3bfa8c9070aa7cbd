import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publicUrl } from '#lib/domains/base/baseDomains.server.ts';
import { hasSteppedUp, requireStaff } from '#lib/identity/guard.server.ts';
import { requestOf } from '#lib/provisioning/requests.server.ts';
import { failureOf } from '#lib/provisioning/runs.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async (event) => {
	const staff = requireStaff(event, 'tenants:read');
	const { id } = event.params;
	const tenant =
		z.uuid().safeParse(id).success &&
		(await db.tenant.findUnique({
			where: { id },
			select: {
				id: true,
				slug: true,
				status: true,
				statusReason: true,
				suspensionReason: true,
				previousStatus: true,
				isolation: true,
				databaseName: true,
				createdAt: true,
				activatedAt: true,
				deleteAfter: true,
				version: true,
				published: true,
				baseDomain: { select: { name: true } },
				plan: { select: { name: true } },
				subscription: { select: { amount: true, currency: true, interval: true } },
				customer: { select: { id: true, companyName: true, fullName: true, email: true } },
				container: {
					select: {
						vmid: true,
						odooVersion: true,
						ipAddress: true,
						purpose: true,
						adopted: true,
						node: { select: { name: true } }
					}
				}
			}
		}));
	if (!tenant) throw new AppError('TENANT_NOT_FOUND', { params: { id } });
	const host = `${tenant.slug}.${tenant.baseDomain.name}`;
	return {
		tenant,
		host,
		url: publicUrl(tenant.slug, tenant.baseDomain.name),
		failure: tenant.status === 'failed' ? await failureOf(db, id) : null,
		request: tenant.status === 'requested' ? await requestOf(db, id) : null,
		graceDays: await setting('provisioning.delete_grace_days'),
		keepDays: await setting('backups.keep_last_days'),
		// Of a dangerous act the question comes first, so that nothing is typed twice.
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		may: {
			create: staff.permissions.has('tenants:create'),
			suspend: staff.permissions.has('tenants:suspend'),
			reactivate: staff.permissions.has('tenants:reactivate'),
			delete: staff.permissions.has('tenants:delete'),
			retry: staff.permissions.has('tenants:retry'),
			refund: staff.permissions.has('tenants:refund'),
			retryCalls: staff.permissions.has('vendors:retry'),
			billing: staff.permissions.has('billing:read')
		},
		crumbs: [
			{ label: m.admin_nav_tenants(), href: '/admin/tenants' },
			{ label: tenant.slug, mono: true }
		]
	};
};
