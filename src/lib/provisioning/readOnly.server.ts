import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { Prisma, type TenantStatus } from '#prisma/generated/client.ts';
import { odooIn } from '../infrastructure/containers/odooClient.server.ts';
import type { Right } from '../integrations/odoo/privileges.ts';
import { audit, SYSTEM, type Actor } from '../logs/audit.server.ts';
import { announce } from './tenantState.server.ts';

/** Why an instance takes no writes. Each reason is put and lifted by itself; the last one lifts the act. */
export type ReadOnlyReason = 'unpaid' | 'limit' | 'staff';

/** States in which a tenant has a database that is to be changed: while it moves nobody is, and the end of the move asks again. */
const LIVE = new Set<TenantStatus>(['active', 'degraded', 'suspended']);
/** Looks after which somebody who changes his mind all the time is left to the next job. */
const MOST_TURNS = 5;

/**
 * Says that an instance takes no writes for a reason, or not any more: logging in and reading go on. A job does it and
 * reads it back; `readOnlyAt` says what is so, `readOnlyReasons` what is wanted. Asking for what is wanted already does
 * nothing. See docs/decisions/012-read-only.md.
 * Nothing but a person's own word makes it read-only when it was adopted: what nobody here set up is not touched by itself.
 * @param act.why in the words of who asked, for the audit log
 * @returns whether that changed anything
 */
export async function setReadOnly(
	tx: Tx,
	tenant: { id: string; customerId: string },
	act: { on: boolean; reason: ReadOnlyReason; by: Actor; why?: string }
): Promise<boolean> {
	await hold(tx, tenant.id);
	const where = { id: tenant.id, customerId: tenant.customerId };
	const { readOnlyReasons: before, container } = await tx.tenant.findFirstOrThrow({
		where,
		select: { readOnlyReasons: true, container: { select: { adopted: true } } }
	});
	if (before.includes(act.reason) === act.on) return false;
	if (act.on && act.by.kind === 'system' && container?.adopted) return false;
	const after = act.on ? [...before, act.reason] : before.filter((reason) => reason !== act.reason);
	await tx.tenant.updateMany({
		where,
		data: { readOnlyReasons: after, version: { increment: 1 } }
	});
	await audit(tx, {
		actor: act.by,
		action: act.on ? 'tenants.ask-read-only' : 'tenants.lift-read-only',
		subject: { type: 'tenant', id: tenant.id },
		customerId: tenant.customerId,
		before: { read_only: before },
		after: { read_only: after, reason: act.reason, ...(act.why && { why: act.why }) }
	});
	await enqueue(tx, 'provisioning.read-only', { tenantId: tenant.id }, { key: tenant.id });
	await announce(tx, tenant);
	return true;
}

/** The row itself, because those who ask may hold it already: a lock beside it would be taken in another order. */
async function hold(tx: Tx, tenantId: string): Promise<void> {
	await tx.$queryRaw`SELECT id FROM tenant_deployments WHERE id = ${tenantId}::uuid FOR NO KEY UPDATE`;
}

/** Makes the database of an instance what is wanted of it. May run any number of times, and after any death. */
export async function convergeReadOnly(tenantId: string): Promise<void> {
	for (let turn = 0; turn < MOST_TURNS; turn++) {
		const tenant = await db.tenant.findUnique({ where: { id: tenantId } });
		if (!tenant?.containerId || !LIVE.has(tenant.status)) return;
		const wanted = tenant.readOnlyReasons.length > 0;
		if (!wanted && tenant.readOnlyLacked === null) return;
		try {
			await (wanted ? take(tenant, tenant.containerId) : give(tenant, tenant.containerId));
		} catch (error) {
			await noteError(tenantId, error);
			throw error;
		}
		if (await settle(tenant, wanted)) return;
	}
}

type Row = Prisma.TenantGetPayload<object>;

async function take(tenant: Row, containerId: string): Promise<void> {
	const odoo = await odooIn(containerId, { customerId: tenant.customerId, subjectId: tenant.id });
	try {
		// What is not given back later must be known before anything is taken.
		if (tenant.readOnlyLacked === null) {
			const lacked = await odoo.lackedRights(tenant.databaseName);
			await db.tenant.updateMany({
				where: { id: tenant.id, readOnlyLacked: { equals: Prisma.DbNull } },
				data: { readOnlyLacked: lacked }
			});
		}
		await odoo.takeWriting(tenant.databaseName);
	} finally {
		await odoo.close();
	}
}

const rights = z.array(z.tuple([z.string(), z.string()]));

async function give(tenant: Row, containerId: string): Promise<void> {
	const lacked: Right[] = rights.parse(tenant.readOnlyLacked);
	const odoo = await odooIn(containerId, { customerId: tenant.customerId, subjectId: tenant.id });
	try {
		await odoo.giveWriting(tenant.databaseName, lacked);
	} finally {
		await odoo.close();
	}
}

/** Notes what is so now. @returns false when something else is wanted meanwhile */
function settle(tenant: Row, on: boolean): Promise<boolean> {
	return transaction(async (tx) => {
		await hold(tx, tenant.id);
		const { readOnlyReasons, readOnlyAt } = await tx.tenant.findUniqueOrThrow({
			where: { id: tenant.id },
			select: { readOnlyReasons: true, readOnlyAt: true }
		});
		await tx.tenant.updateMany({
			where: { id: tenant.id, customerId: tenant.customerId },
			data: {
				readOnlyAt: on ? (readOnlyAt ?? now()) : null,
				readOnlyError: null,
				...(!on && { readOnlyLacked: Prisma.DbNull }),
				version: { increment: 1 }
			}
		});
		if (on !== (readOnlyAt !== null)) {
			await audit(tx, {
				actor: SYSTEM,
				action: on ? 'tenants.become-read-only' : 'tenants.become-writable',
				subject: { type: 'tenant', id: tenant.id },
				customerId: tenant.customerId,
				after: { read_only: readOnlyReasons }
			});
		}
		await announce(tx, tenant);
		return on === readOnlyReasons.length > 0;
	});
}

async function noteError(tenantId: string, error: unknown): Promise<void> {
	const message = error instanceof Error ? error.message : String(error);
	await db.tenant.updateMany({
		where: { id: tenantId },
		data: { readOnlyError: message.slice(0, 500) }
	});
}

/** Instances that are not what is wanted of them, long after somebody asked: their job is asked for again. */
export async function sweepReadOnly(): Promise<void> {
	const rows = await db.$queryRaw<{ id: string }[]>`
		SELECT id FROM tenant_deployments
		WHERE status IN ('active', 'degraded', 'suspended')
			AND (cardinality(read_only_reasons) > 0) <> (read_only_at IS NOT NULL)`;
	for (const { id } of rows)
		await transaction((tx) => enqueue(tx, 'provisioning.read-only', { tenantId: id }, { key: id }));
}
