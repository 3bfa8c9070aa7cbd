import { isUniqueViolation, lock, type Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { BaseDomain } from '#prisma/generated/client.ts';
import { audit, type Actor } from '../../logs/audit.server.ts';
import type { BaseChecks } from './baseChecks.server.ts';
import type { BaseDomainInput } from './baseDomainForms.ts';
import { askForPreparation } from './basePrepare.server.ts';
import { driversInUse } from '../records/neededRecords.server.ts';
import { controlPlaneHost, hostHolder } from './platformNames.server.ts';

/** The domain that a new tenant gets, with where it is published. */
export async function defaultBaseDomain(tx: Tx) {
	return tx.baseDomain.findFirstOrThrow({ where: { isDefault: true }, include: { tunnel: true } });
}

/** The domain that a new tenant of a plan gets: the plan's own, else the default. */
export async function baseDomainOf(tx: Tx, plan: { baseDomainId: string | null }) {
	if (!plan.baseDomainId) return defaultBaseDomain(tx);
	return tx.baseDomain.findUniqueOrThrow({
		where: { id: plan.baseDomainId },
		include: { tunnel: true }
	});
}

/**
 * Where people open a tenant. In the demo names of the sandbox's zone are in no public DNS, and a browser reaches its
 * edge as `<slug>.localhost`.
 */
export function publicUrl(slug: string, baseDomain: string): string {
	if (!env.EDGE_URL) return `https://${slug}.${baseDomain}`;
	const edge = new URL(env.EDGE_URL);
	edge.hostname = `${slug}.localhost`;
	return edge.origin;
}

/** All of them, the default first, with what uses each. */
export async function listBaseDomains(tx: Tx) {
	const rows = await tx.baseDomain.findMany({
		orderBy: [{ isDefault: 'desc' }, { name: 'asc' }],
		include: {
			tunnel: { select: { id: true, name: true, cloudflareId: true } },
			edgeServer: { select: { id: true, name: true } },
			_count: {
				select: {
					tenants: { where: { status: { notIn: ['deleted', 'refunded'] } } },
					plans: { where: { replacedAt: null } }
				}
			}
		}
	});
	return rows;
}

interface Act {
	by: Actor;
}

/**
 * Takes a domain of ours into use. What Cloudflare has to say was read just before; nothing is stored that was not read.
 * @param tunnel the one that was asked about
 * @throws {AppError} BAD_INPUT beside the field; VENDOR_UNAVAILABLE where Cloudflare did not say
 */
export async function addBaseDomain(
	tx: Tx,
	input: BaseDomainInput,
	checks: BaseChecks,
	{ by }: Act
): Promise<BaseDomain> {
	refuseUnseen(input.name, checks);
	await refuseTaken(tx, input, null);
	const isFirst = (await tx.baseDomain.count()) === 0;
	const base = await tx.baseDomain
		.create({
			data: {
				...input,
				zoneId: checks.zoneId!,
				...{ zoneStatus: checks.zoneStatus, zoneSeenAt: checks.at, isDefault: isFirst }
			}
		})
		.catch((error: unknown) => {
			throw isUniqueViolation(error)
				? refused('name', m.domains_base_exists({ name: input.name }))
				: error;
		});
	await audit(tx, {
		actor: by,
		action: 'domains.add-base',
		subject: { type: 'base-domain', id: base.id },
		after: shown(base)
	});
	await askForPreparation(tx, base.id);
	return base;
}

/** @throws {AppError} BAD_INPUT, VENDOR_UNAVAILABLE */
function refuseUnseen(name: string, checks: BaseChecks): void {
	if (checks.zone === 'no') throw refused('name', m.domains_base_no_zone({ name }));
	if (checks.tunnel === 'no') throw refused('tunnel', m.domains_base_no_tunnel());
	if (checks.mayEdit === 'no') throw refused('name', m.domains_base_no_right({ name }));
	if (checks.zone === 'unknown' || checks.mayEdit === 'unknown' || checks.tunnel === 'unknown')
		throw new AppError('VENDOR_UNAVAILABLE', {
			params: { vendor: 'Cloudflare' },
			detail: checks.trouble ?? 'Cloudflare did not say'
		});
	if (checks.zoneStatus !== 'active')
		throw refused('name', m.domains_base_zone_not_active({ status: checks.zoneStatus ?? '' }));
}

/** The name that customers point at is ours alone. @throws {AppError} BAD_INPUT */
async function refuseTaken(
	tx: Tx,
	{ name, target }: Pick<BaseDomainInput, 'name' | 'target'>,
	ownId: string | null
): Promise<void> {
	const holder = await hostHolder(tx, target, name);
	if (holder) throw refused('target', m.domains_host_is_instance({ host: target }));
	const host = await tx.edgeHost.findFirst({
		where: { hostname: target },
		select: { id: true }
	});
	if (host || target === controlPlaneHost())
		throw refused('target', m.domains_base_target_is_host({ host: target }));
	const other = await tx.baseDomain.findFirst({
		where: { target, ...(ownId && { id: { not: ownId } }) },
		select: { name: true }
	});
	if (other) throw refused('target', m.domains_base_target_taken({ name: other.name }));
}

/**
 * Changes where customers' domains of a base domain lead from now on. What domains in use depend on stays as it is.
 * @param checks of the new tunnel
 * @throws {AppError} BAD_INPUT beside the field, CHANGED_MEANWHILE for the second of two editors, NOT_FOUND
 */
export async function editBaseDomain(
	tx: Tx,
	id: string,
	input: BaseDomainInput,
	checks: BaseChecks,
	{ by, seen }: Act & { seen: number }
): Promise<BaseDomain> {
	const before = await findBaseDomain(tx, id);
	refuseUnseen(before.name, checks);
	const { name: _, ...wanted } = input;
	if (!wanted.target.endsWith(`.${before.name}`))
		throw refused('target', m.domains_base_target_outside({ name: before.name }));
	if (wanted.target !== before.target) await refuseTaken(tx, input, id);
	await refuseInUse(tx, before, wanted);
	const { count } = await tx.baseDomain.updateMany({
		where: { id, version: seen },
		data: {
			...{ ...wanted, zoneStatus: checks.zoneStatus, zoneSeenAt: checks.at },
			...{ preparation: 'pending', version: { increment: 1 } }
		}
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	const after = await findBaseDomain(tx, id);
	await audit(tx, {
		actor: by,
		action: 'domains.edit-base',
		subject: { type: 'base-domain', id },
		before: shown(before),
		after: shown(after)
	});
	await askForPreparation(tx, id);
	return after;
}

/** What customers' domains point at, and how it answers them, is not pulled away from under them. */
async function refuseInUse(
	tx: Tx,
	before: BaseDomain,
	wanted: Pick<BaseDomain, 'driver' | 'target' | 'tunnelId' | 'edgeServerId'>
): Promise<void> {
	const inUse = (await driversInUse(tx, before.id)).filter((one) => one !== 'account_cname');
	if (inUse.length > 0) {
		if (wanted.target !== before.target) throw refused('target', m.domains_base_target_in_use());
		if (wanted.driver !== 'account_cname' && !inUse.includes(wanted.driver))
			throw refused('driver', m.domains_base_driver_in_use());
		if (inUse.includes('edge') && !wanted.edgeServerId)
			throw refused('edge_server', m.domains_base_edge_in_use());
	}
	if (wanted.tunnelId === before.tunnelId) return;
	const published = await tx.tenant.count({
		where: { baseDomainId: before.id, published: true }
	});
	if (published > 0) throw refused('tunnel', m.domains_base_tunnel_in_use({ count: published }));
}

/** New tenants get their name under it unless their plan says otherwise. @throws {AppError} NOT_FOUND */
export async function makeDefaultBase(tx: Tx, id: string, { by }: Act): Promise<BaseDomain> {
	await lock(tx, 'domains.default-base');
	const base = await findBaseDomain(tx, id);
	if (base.isDefault) return base;
	const before = await tx.baseDomain.findFirst({ where: { isDefault: true } });
	await tx.baseDomain.updateMany({ where: { isDefault: true }, data: { isDefault: false } });
	await tx.baseDomain.update({ where: { id }, data: { isDefault: true } });
	await audit(tx, {
		actor: by,
		action: 'domains.make-base-default',
		subject: { type: 'base-domain', id },
		before: { name: before?.name },
		after: { name: base.name }
	});
	await publish(tx, 'staff:domain-bases', id);
	return { ...base, isDefault: true };
}

/**
 * Gives a domain up that nothing uses; what we made in its zone goes with it, by a job.
 * @throws {AppError} BAD_INPUT with the reason: the default one, one with tenants (also deleted ones, whose history names
 * it) or plans; NOT_FOUND
 */
export async function removeBaseDomain(tx: Tx, id: string, { by }: Act): Promise<void> {
	const base = await findBaseDomain(tx, id);
	const reason = await whyNotRemovable(tx, base);
	if (reason) throw refused('confirm', reason);
	await tx.plan.updateMany({ where: { baseDomainId: id }, data: { baseDomainId: null } });
	await tx.baseDomain.delete({ where: { id } });
	const { zoneId, target, fallbackOrigin } = base;
	await enqueue(tx, 'domains.clear-base', { id, zoneId, target, fallbackOrigin }, { key: id });
	await audit(tx, {
		actor: by,
		action: 'domains.remove-base',
		subject: { type: 'base-domain', id },
		before: shown(base)
	});
	await publish(tx, 'staff:domain-bases', id);
}

/** The sentence that says why a base domain stays; null when it may go. */
export async function whyNotRemovable(
	tx: Tx,
	{ id, isDefault }: Pick<BaseDomain, 'id' | 'isDefault'>
): Promise<string | null> {
	if (isDefault) return m.domains_base_is_default_stays();
	const plans = await tx.plan.findMany({
		where: { baseDomainId: id, replacedAt: null },
		orderBy: { name: 'asc' },
		select: { name: true }
	});
	if (plans.length > 0)
		return m.domains_base_has_plans({ plans: plans.map(({ name }) => name).join(', ') });
	const tenants = await tx.tenant.count({ where: { baseDomainId: id } });
	return tenants > 0 ? m.domains_base_has_tenants({ count: tenants }) : null;
}

/** @throws {AppError} NOT_FOUND */
export async function findBaseDomain(tx: Tx, id: string): Promise<BaseDomain> {
	const base = await tx.baseDomain.findUnique({ where: { id } });
	if (!base) throw new AppError('NOT_FOUND');
	return base;
}

function refused(field: string, sentence: string): AppError {
	return new AppError('BAD_INPUT', { fields: { [field]: sentence } });
}

function shown({ name, driver, target, tunnelId, edgeServerId, zoneId }: BaseDomain) {
	return { name, driver, target, tunnelId, edgeServerId, zoneId };
}
