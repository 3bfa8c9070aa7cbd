import { now } from '#lib/core/clock.server.ts';
import { isUniqueViolation, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Plan, Tenant } from '#prisma/generated/client.ts';
import { baseDomainOf } from '../domains/base/baseDomains.server.ts';
import { databasesSchema } from '../infrastructure/containers/databases.ts';
import { audit, type Actor } from '../logs/audit.server.ts';
import { planOnSale } from '../plans/plans.server.ts';
import type { AdoptInput } from './adoptForms.ts';
import { reserveName } from './reservations.server.ts';
import { announce } from './tenantState.server.ts';

/** Tenants in these states have no database any more. */
const GONE = ['deleted', 'refunded'] as const;

/**
 * Makes a database of an adopted container a customer's active instance, in the books alone: nothing changes inside the
 * container, in the DNS or in a tunnel, and it has no public name of ours (`published` stays false), so that it is
 * neither probed nor taken off the air. Its name is held like anybody's.
 * @throws {AppError} NOT_FOUND; BAD_INPUT beside the field; WRONG_STATE when the container was not adopted
 */
export async function adoptTenant(
	tx: Tx,
	containerId: string,
	input: AdoptInput,
	{ by }: { by: Actor }
): Promise<Tenant> {
	await databaseOf(tx, containerId, input.database);
	const customer = await customerOf(tx, input.email);
	const plan = await planOf(tx, input.plan);
	const subscriptionId =
		input.subscription === 'existing' ? await subscriptionOf(tx, customer.id, plan) : null;
	const baseDomain = await baseDomainOf(tx, plan);
	const tenant = await tx.tenant
		.create({
			data: {
				customerId: customer.id,
				subscriptionId,
				planId: plan.id,
				baseDomainId: baseDomain.id,
				containerId,
				slug: input.subdomain,
				databaseName: input.database,
				isolation: plan.isolation,
				status: 'active',
				activatedAt: now(),
				locale: customer.locale,
				country: customer.country
			}
		})
		.catch((error: unknown) => {
			// A living instance has the name, or a database of the same name elsewhere.
			throw isUniqueViolation(error) ? beside('subdomain', m.adopt_name_taken()) : error;
		});
	await reserveName(tx, tenant.slug, { tenantId: tenant.id }).catch((error: unknown) => {
		throw error instanceof AppError ? beside('subdomain', error.sentence) : error;
	});
	await audit(tx, {
		actor: by,
		action: 'tenants.adopt',
		subject: { type: 'tenant', id: tenant.id },
		customerId: customer.id,
		after: { slug: tenant.slug, database: input.database, container: containerId, plan: plan.key }
	});
	await announce(tx, tenant);
	await publish(tx, 'staff:containers', containerId);
	return tenant;
}

function beside(field: string, sentence: string): AppError {
	return new AppError('BAD_INPUT', { fields: { [field]: sentence } });
}

/** Until `tx` ends nobody releases the container. @throws {AppError} NOT_FOUND, WRONG_STATE, BAD_INPUT */
async function databaseOf(tx: Tx, containerId: string, name: string): Promise<void> {
	await tx.$queryRaw`SELECT id FROM lxc_containers WHERE id = ${containerId}::uuid FOR UPDATE`;
	const container = await tx.container.findFirst({
		where: { id: containerId, status: { not: 'deleted' } },
		select: {
			adopted: true,
			odooVersion: true,
			databases: true,
			tenants: {
				where: { databaseName: name, status: { notIn: [...GONE] } },
				select: { slug: true }
			}
		}
	});
	if (!container) throw new AppError('NOT_FOUND');
	if (!container.adopted)
		throw new AppError('WRONG_STATE', { params: { from: 'ours', to: 'adopted' } });
	const found = databasesSchema.safeParse(container.databases).data?.databases;
	const isReady = found?.some((one) => one.name === name && one.state === 'ready');
	if (!isReady || !container.odooVersion) throw beside('database', m.adopt_not_seen());
	const [linked] = container.tenants;
	if (linked) throw beside('database', m.adopt_linked({ subdomain: linked.slug }));
}

/** @throws {AppError} BAD_INPUT when nobody has that address; until `tx` ends nobody deletes it */
async function customerOf(tx: Tx, email: string) {
	const found = await tx.customer.findFirst({
		where: { email: { equals: email, mode: 'insensitive' }, status: { not: 'deleted' } },
		orderBy: { createdAt: 'asc' },
		select: { id: true, locale: true, country: true }
	});
	if (!found) throw beside('email', m.adopt_no_customer());
	await tx.$queryRaw`SELECT id FROM customers WHERE id = ${found.id}::uuid FOR SHARE`;
	return found;
}

/** @throws {AppError} BAD_INPUT */
async function planOf(tx: Tx, key: string): Promise<Plan> {
	const plan = await planOnSale(tx, key).catch((error: unknown) => {
		throw error instanceof AppError ? beside('plan', error.sentence) : error;
	});
	// What was there before us is not ours to put on two nodes.
	if (plan.isolation === 'dedicated_ha')
		throw beside('plan', new AppError('PLAN_NOT_PURCHASABLE').sentence);
	return plan;
}

/** Its living subscription to this plan, in any version, that no instance has yet. @throws {AppError} BAD_INPUT */
async function subscriptionOf(tx: Tx, customerId: string, plan: Plan): Promise<string> {
	const living = await tx.subscription.findMany({
		where: {
			customerId,
			status: { in: ['active', 'past_due'] },
			plan: { key: plan.key },
			tenants: { none: { status: { notIn: [...GONE] } } }
		},
		orderBy: { createdAt: 'asc' },
		select: { id: true },
		take: 1
	});
	if (!living[0]) throw beside('subscription', m.adopt_no_subscription());
	return living[0].id;
}
