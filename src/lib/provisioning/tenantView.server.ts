import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Prisma, Tenant } from '#prisma/generated/client.ts';
import { getLocale } from '#i18n/paraglide/runtime.js';
import { publicUrl } from '../domains/base/baseDomains.server.ts';
import { stepError, stepSentence } from './stepMessages.ts';

/** What a tenant looks like in the API; times are ISO 8601 in UTC. */
export const tenantSchema = z.object({
	id: z.uuid(),
	subdomain: z.string(),
	url: z.url(),
	status: z.string(),
	status_reason: z.string().nullable(),
	plan: z.string(),
	customer: z.object({ id: z.uuid(), company_name: z.string(), email: z.string() }),
	node: z.string().nullable(),
	container: z.object({ id: z.uuid(), vmid: z.number().int() }).nullable(),
	database_name: z.string(),
	created_at: z.iso.datetime(),
	activated_at: z.iso.datetime().nullable(),
	job: z
		.object({
			id: z.uuid(),
			status: z.string(),
			steps: z.array(
				z.object({
					name: z.string(),
					status: z.string(),
					attempts: z.number().int(),
					started_at: z.iso.datetime().nullable(),
					finished_at: z.iso.datetime().nullable(),
					/** What it did or waits for, in the language of the request. */
					detail: z.string().nullable(),
					error_code: z.string().nullable(),
					/** Why it failed, likewise. */
					error: z.string().nullable(),
					/** The same in the vendor's or the worker's own words. */
					technical_detail: z.string().nullable()
				})
			)
		})
		.nullable()
});
export type TenantView = z.infer<typeof tenantSchema>;

export const tenantSelect = {
	id: true,
	slug: true,
	status: true,
	statusReason: true,
	suspensionReason: true,
	databaseName: true,
	createdAt: true,
	activatedAt: true,
	plan: { select: { key: true } },
	customer: { select: { id: true, companyName: true, email: true } },
	baseDomain: { select: { name: true } },
	container: { select: { id: true, vmid: true, node: { select: { name: true } } } }
} satisfies Prisma.TenantSelect;

type SelectedTenant = Prisma.TenantGetPayload<{ select: typeof tenantSelect }>;
type Run = Prisma.ProvisioningJobGetPayload<{ include: { steps: true } }>;

/** Puts the rows of a page into the API's shape, with the latest run of each. */
export async function tenantViews(tx: Tx, tenants: SelectedTenant[]): Promise<TenantView[]> {
	const runs = await latestRuns(
		tx,
		tenants.map(({ id }) => id)
	);
	return tenants.map((tenant) => viewOf(tenant, runs.get(tenant.id) ?? null));
}

/** One tenant in the API's shape. @throws {AppError} TENANT_NOT_FOUND */
export async function oneTenant(tx: Tx, id: string): Promise<TenantView> {
	const tenant = await tx.tenant.findUnique({ where: { id }, select: tenantSelect });
	if (!tenant) throw new AppError('TENANT_NOT_FOUND', { params: { id } });
	const [view] = await tenantViews(tx, [tenant]);
	return view!;
}

/** The row for a verb of staff, who may act on every customer's. @throws {AppError} TENANT_NOT_FOUND */
export async function findTenant(tx: Tx, id: string): Promise<Tenant> {
	const tenant = z.uuid().safeParse(id).success && (await tx.tenant.findUnique({ where: { id } }));
	if (!tenant) throw new AppError('TENANT_NOT_FOUND', { params: { id } });
	return tenant;
}

/** The latest run of each tenant, in one query. */
export async function latestRuns(tx: Tx, tenantIds: string[]): Promise<Map<string, Run>> {
	const runs = await tx.provisioningJob.findMany({
		where: { subjectId: { in: tenantIds } },
		distinct: ['subjectId'],
		orderBy: [{ subjectId: 'asc' }, { createdAt: 'desc' }],
		include: { steps: { orderBy: { position: 'asc' } } }
	});
	return new Map(runs.map((run) => [run.subjectId, run]));
}

function viewOf(tenant: SelectedTenant, run: Run | null): TenantView {
	const iso = (at: Date | null) => at?.toISOString() ?? null;
	return {
		id: tenant.id,
		subdomain: tenant.slug,
		url: publicUrl(tenant.slug, tenant.baseDomain.name),
		status: tenant.status,
		status_reason: tenant.suspensionReason ?? tenant.statusReason,
		plan: tenant.plan.key,
		customer: {
			id: tenant.customer.id,
			company_name: tenant.customer.companyName,
			email: tenant.customer.email
		},
		node: tenant.container?.node.name ?? null,
		container: tenant.container && { id: tenant.container.id, vmid: tenant.container.vmid },
		database_name: tenant.databaseName,
		created_at: tenant.createdAt.toISOString(),
		activated_at: iso(tenant.activatedAt),
		job: run && {
			id: run.id,
			status: run.status,
			steps: run.steps.map((step) => {
				const failure = stepError(step);
				return {
					name: step.name,
					status: step.status,
					attempts: step.attempts,
					started_at: iso(step.startedAt),
					finished_at: iso(step.finishedAt),
					detail: stepSentence(step, { locale: getLocale(), timeZone: 'UTC' }),
					error_code: step.errorCode,
					error: failure?.sentence ?? null,
					technical_detail: failure?.technical ?? null
				};
			})
		}
	};
}
