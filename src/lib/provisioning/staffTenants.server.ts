import { isUniqueViolation, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Customer, Tenant } from '#prisma/generated/client.ts';
import { createInvoicedSubscription } from '../billing/subscriptions.server.ts';
import { createCustomer } from '../customers/customers.server.ts';
import { baseDomainOf } from '../domains/base/baseDomains.server.ts';
import { audit, type Actor } from '../logs/audit.server.ts';
import { planOnSale, type PlanWithPrices } from '../plans/plans.server.ts';
import { mailPaymentLink, payByFromNow } from './requests.server.ts';
import { canHost } from './onOffer.server.ts';
import { reserveName } from './reservations.server.ts';
import type { CreateTenantInput } from './schema.ts';
import { announce } from './tenantState.server.ts';
import { provision } from './tenants.server.ts';

/**
 * Makes a tenant that staff ask for, without Checkout. With `invoice` or `free` its set-up starts at once; with
 * `checkout_link` the customer gets a link by mail and the set-up starts when it is paid; see `requests.server.ts`.
 * @param act.customerId of the company that it is for, when it exists already: what `input` says of one is then not read
 * @throws {AppError} PLAN_NOT_FOUND, PLAN_NOT_PURCHASABLE, NAME_TAKEN, NAME_RESERVED; NOT_FOUND for a customer that is deleted
 */
export async function createByStaff(
	tx: Tx,
	input: CreateTenantInput,
	act: { by: Actor; locale: 'es' | 'en'; customerId?: string }
): Promise<Tenant> {
	const plan = await planOnSale(tx, input.plan);
	// What no cluster can run not even staff may promise.
	if (!(await canHost(tx, plan))) throw new AppError('PLAN_NOT_PURCHASABLE');
	const customer = act.customerId
		? await livingCustomer(tx, act.customerId)
		: await createCustomer(tx, {
				companyName: input.company_name,
				fullName: input.full_name ?? input.company_name,
				email: input.email,
				country: input.country ?? null,
				locale: act.locale
			});
	const baseDomain = await baseDomainOf(tx, plan);
	const subscription =
		input.billing === 'checkout_link'
			? null
			: await createInvoicedSubscription(tx, {
					customerId: customer.id,
					plan,
					billing: input.billing,
					reason: input.billing_reason ?? null
				});
	const tenant = await tx.tenant
		.create({
			data: {
				customerId: customer.id,
				subscriptionId: subscription?.id,
				planId: plan.id,
				baseDomainId: baseDomain.id,
				slug: input.subdomain,
				databaseName: input.subdomain,
				isolation: plan.isolation,
				locale: act.locale,
				country: input.country
			}
		})
		.catch((error: unknown) => {
			// A living instance has it, under whichever base domain.
			throw isUniqueViolation(error) ? new AppError('NAME_TAKEN', { cause: error }) : error;
		});
	await reserveName(tx, tenant.slug, { tenantId: tenant.id });
	if (subscription) await provision(tx, tenant, null);
	else await askForPayment(tx, tenant, input, plan, act.locale);
	await audit(tx, {
		actor: act.by,
		action: 'tenants.create',
		subject: { type: 'tenant', id: tenant.id },
		customerId: customer.id,
		after: {
			slug: tenant.slug,
			plan: plan.key,
			billing: input.billing,
			reason: input.billing_reason
		}
	});
	await announce(tx, tenant);
	return tenant;
}

/** The company that it is for; until `tx` ends nobody deletes it. @throws {AppError} NOT_FOUND */
async function livingCustomer(tx: Tx, id: string): Promise<Customer> {
	await tx.$queryRaw`SELECT id FROM customers WHERE id = ${id}::uuid FOR SHARE`;
	const found = await tx.customer.findFirst({ where: { id, status: { not: 'deleted' } } });
	if (!found) throw new AppError('NOT_FOUND');
	return found;
}

async function askForPayment(
	tx: Tx,
	tenant: Tenant,
	input: CreateTenantInput,
	plan: PlanWithPrices,
	locale: 'es' | 'en'
): Promise<void> {
	const payBy = await payByFromNow();
	const signup = await tx.signup.create({
		data: {
			customerId: tenant.customerId,
			tenantId: tenant.id,
			planId: plan.id,
			companyName: input.company_name,
			fullName: input.full_name ?? input.company_name,
			email: input.email,
			country: input.country,
			locale,
			slug: tenant.slug,
			payBy
		}
	});
	await mailPaymentLink(tx, { ...signup, payBy }, plan.name);
}

const FIELDS: Partial<Record<AppError['code'], string>> = {
	NAME_TAKEN: 'subdomain',
	NAME_RESERVED: 'subdomain',
	PLAN_NOT_FOUND: 'plan',
	PLAN_NOT_PURCHASABLE: 'plan'
};

/** Why an instance cannot be made, beside the field of the form (TenantFields) that it is about. */
export function besideItsField(error: unknown): unknown {
	if (!(error instanceof AppError)) return error;
	const field = FIELDS[error.code];
	return field ? new AppError(error.code, { fields: { [field]: error.sentence } }) : error;
}
