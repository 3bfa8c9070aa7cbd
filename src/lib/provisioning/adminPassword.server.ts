import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { decrypt, encrypt, randomPassword } from '#lib/core/crypto.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { odooIn } from '../infrastructure/containers/odooClient.server.ts';
import { OdooError } from '../integrations/odoo/errors.ts';
import { audit, SYSTEM, type Actor } from '../logs/audit.server.ts';
import { adminContext } from './databaseStep.server.ts';

/** A job that has not managed by then has stopped trying: it may be asked for again. */
const GIVEN_UP = 3 * HOUR;

/** A tenant of the customer that asks; the caller has proved that. */
export interface OwnTenant {
	id: string;
	customerId: string;
}

/** What the portal shows of the administrator's access; never the password. */
export interface AdminAccess {
	login: string;
	/** When the password that is in force was shown; null while it can be. */
	revealedAt: Date | null;
	/** Since when a new one is being set; null when none is. */
	nextAskedAt: Date | null;
}

export interface AdminCredentials {
	login: string;
	password: string;
}

/** Null before the set-up has made an administrator. Needs the owner's role. */
export async function adminAccess(tx: Tx, tenant: OwnTenant): Promise<AdminAccess | null> {
	const secret = await tx.tenantSecret.findFirst({
		where: { tenantId: tenant.id, tenant: { customerId: tenant.customerId } },
		select: { adminLogin: true, revealedAt: true, nextAskedAt: true }
	});
	return (
		secret && {
			login: secret.adminLogin,
			revealedAt: secret.revealedAt,
			nextAskedAt: secret.nextAskedAt
		}
	);
}

/**
 * Shows the administrator's login and password, once: of two who ask in the same moment one gets it.
 * @throws {AppError} NOT_FOUND before there is one, ALREADY_REVEALED
 */
export async function revealAdminPassword(
	tx: Tx,
	tenant: OwnTenant,
	act: { by: Actor }
): Promise<AdminCredentials> {
	const where = { tenantId: tenant.id, tenant: { customerId: tenant.customerId } };
	const { count } = await tx.tenantSecret.updateMany({
		where: { ...where, revealedAt: null },
		data: { revealedAt: now() }
	});
	const secret = await tx.tenantSecret.findFirst({ where });
	if (!secret) throw new AppError('NOT_FOUND');
	if (count === 0) throw new AppError('ALREADY_REVEALED');
	await audit(tx, {
		actor: act.by,
		action: 'tenants.reveal-password',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId
	});
	await publish(tx, `tenant:${tenant.id}`, tenant.id);
	return {
		login: secret.adminLogin,
		password: decrypt(secret.adminPassword, adminContext(tenant.id))
	};
}

/**
 * Asks for a new password of the administrator; a job sets it. The one in force stays until Odoo takes the new one.
 * @throws {AppError} WRONG_STATE unless the instance runs, ALREADY_RUNNING
 */
export async function requestNewPassword(
	tx: Tx,
	tenant: OwnTenant & { status: string },
	act: { by: Actor }
): Promise<void> {
	if (tenant.status !== 'active' && tenant.status !== 'degraded')
		throw new AppError('WRONG_STATE', { params: { from: tenant.status, to: 'active' } });
	// Made up and stored before Odoo hears of it: a job that dies in the middle goes on with the same one.
	const { count } = await tx.tenantSecret.updateMany({
		where: {
			tenantId: tenant.id,
			tenant: { customerId: tenant.customerId },
			OR: [{ nextPassword: null }, { nextAskedAt: { lt: after(now(), -GIVEN_UP) } }]
		},
		data: {
			nextPassword: encrypt(randomPassword(), adminContext(tenant.id)),
			nextAskedAt: now()
		}
	});
	if (count === 0) throw new AppError('ALREADY_RUNNING');
	await audit(tx, {
		actor: act.by,
		action: 'tenants.request-password',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId
	});
	await enqueue(tx, 'provisioning.set-admin-password', { tenantId: tenant.id });
	await publish(tx, `tenant:${tenant.id}`, tenant.id);
}

/** Sets the password that was asked for in the tenant's Odoo, and believes it only once the administrator can log in. */
export async function setAdminPassword(tenantId: string): Promise<void> {
	const secret = await db.tenantSecret.findUnique({
		where: { tenantId },
		include: { tenant: { select: { customerId: true, containerId: true, databaseName: true } } }
	});
	if (!secret?.nextPassword || !secret.tenant.containerId) return;
	const { customerId, containerId, databaseName } = secret.tenant;
	const password = decrypt(secret.nextPassword, adminContext(tenantId));
	const odoo = await odooIn(containerId, { customerId, subjectId: tenantId });
	try {
		await odoo.setAdmin(databaseName, { login: secret.adminLogin, password });
		if (!(await odoo.authenticate(databaseName, secret.adminLogin, password)))
			throw new OdooError({
				operation: 'login',
				kind: 'failed',
				message: 'the administrator cannot log in with the new password',
				retryable: true
			});
	} finally {
		await odoo.close();
	}
	await transaction(async (tx) => {
		const { count } = await tx.tenantSecret.updateMany({
			where: { tenantId, nextPassword: secret.nextPassword },
			data: {
				adminPassword: secret.nextPassword ?? undefined,
				revealedAt: null,
				nextPassword: null,
				nextAskedAt: null
			}
		});
		if (count === 0) return;
		await audit(tx, {
			actor: SYSTEM,
			action: 'tenants.set-password',
			subject: { type: 'tenant', id: tenantId },
			customerId
		});
		await publish(tx, `tenant:${tenantId}`, tenantId);
	});
}
