import { decrypt, encrypt, randomPassword } from '#lib/core/crypto.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Step } from '#lib/core/saga.server.ts';
import { publicUrl } from '../domains/base/baseDomains.server.ts';
import { odooIn } from '../infrastructure/containers/odooClient.server.ts';
import { roleFor, templateSuffix } from '../infrastructure/postgres/names.ts';
import { MARK, type OdooClient } from '../integrations/odoo/odoo.server.ts';
import { OdooError } from '../integrations/odoo/errors.ts';
import { placeOf } from './publishStep.server.ts';
import { stepMessage } from './stepMessages.ts';
import type { CreateTenantContext, CreateTenantState } from './stepTypes.ts';

type Place = Awaited<ReturnType<typeof placeOf>>;

/** Odoo's languages for ours; Latin American Spanish. */
const LANGUAGES: Record<string, string> = { es: 'es_419', en: 'en_US' };

/** The tenant's database stands in its container, with the owner as its administrator. */
export const databaseStep: Step<CreateTenantState> = {
	name: 'database',
	async run(context) {
		const place = await placeOf(context.subjectId);
		const { databaseName } = place.tenant;
		const odoo = await odooIn(place.tenant.containerId!, context.trace);
		try {
			await ensureDatabase(context, odoo, place);
			const admin = await adminOf(context, place);
			await configure(context, odoo, place, admin);
			// "Success" of the commands above says nothing: what counts is that the owner can log in.
			const uid = await odoo.authenticate(databaseName, admin.login, admin.password);
			if (!uid)
				throw new OdooError({
					operation: 'login',
					kind: 'failed',
					message: 'the new administrator cannot log in',
					retryable: true
				});
		} finally {
			await odoo.close();
		}
		return { message: stepMessage('database_ready', { name: databaseName }) };
	},
	async undo(context) {
		const { tenant } = await placeOf(context.subjectId);
		// A container of its own goes as a whole, and may be gone or stopped already.
		if (tenant.containerId && context.state.databaseIntended && (await outlives(tenant))) {
			const odoo = await odooIn(tenant.containerId, context.trace);
			try {
				await odoo.dropDatabase(tenant.databaseName);
			} finally {
				await odoo.close();
			}
		}
		await context.write((tx) => tx.tenantSecret.deleteMany({ where: { tenantId: tenant.id } }));
	}
};

/** Whether the database stays when the tenant's container goes: others live there, or it is on a server elsewhere. */
async function outlives({ containerId, isolation }: Place['tenant']): Promise<boolean> {
	if (isolation === 'shared') return true;
	const elsewhere = { id: containerId!, postgresContainerId: { not: null } };
	return (await db.container.count({ where: elsewhere })) > 0;
}

/**
 * Looks first. What stands there under the name before this run meant to make it is somebody else's; what stands there
 * afterwards is ours, half-made perhaps.
 */
async function ensureDatabase(
	context: CreateTenantContext,
	odoo: OdooClient,
	{ tenant }: Place
): Promise<void> {
	const { databaseName } = tenant;
	let state = await odoo.databaseState(databaseName);
	if (!context.state.databaseIntended) {
		if (state !== 'absent')
			throw new AppError('NAME_TAKEN', {
				detail: `a database ${databaseName} is in the container already`
			});
		await context.save({ databaseIntended: true });
	}
	if (state === 'incomplete') {
		await odoo.dropDatabase(databaseName);
		state = 'absent';
	}
	if (state === 'ready') return;
	const template = await templateFor(tenant.containerId!, tenant.locale);
	if ((await odoo.listDatabases()).includes(template)) {
		await odoo.duplicateTemplate(template, databaseName);
		await context.log('info', `${template} → ${databaseName}`);
	} else {
		await context.log('info', `no ${template}: initialising ${databaseName}`);
		await odoo.initDatabase(
			databaseName,
			LANGUAGES[tenant.locale] ?? 'es_419',
			tenant.country ?? 'US'
		);
	}
}

async function configure(
	context: CreateTenantContext,
	odoo: OdooClient,
	{ tenant }: Place,
	admin: { login: string; password: string }
): Promise<void> {
	const mark = await odoo.readMark(tenant.databaseName);
	if (mark === context.jobId) return;
	const url = publicUrl(tenant.slug, tenant.baseDomain.name);
	await odoo.configure(tenant.databaseName, {
		admin: { ...admin, name: tenant.customer.fullName, email: tenant.customer.email },
		lang: LANGUAGES[tenant.locale] ?? 'es_419',
		company: {
			name: tenant.customer.companyName,
			...(tenant.country && { country: tenant.country })
		},
		// Odoo rewrites the address at each login of an administrator unless it is frozen. The mark commits with the rest.
		parameters: { 'web.base.url': url, 'web.base.url.freeze': 'True', [MARK]: context.jobId }
	});
}

/** The administrator's login and password: made up once per tenant, stored before Odoo hears of them. */
async function adminOf(
	context: CreateTenantContext,
	{ tenant }: Place
): Promise<{ login: string; password: string }> {
	const stored = await db.tenantSecret.findUnique({ where: { tenantId: tenant.id } });
	if (stored)
		return {
			login: stored.adminLogin,
			password: decrypt(stored.adminPassword, adminContext(tenant.id))
		};
	const admin = { login: tenant.customer.email, password: randomPassword() };
	await context.write((tx) =>
		tx.tenantSecret.create({
			data: {
				tenantId: tenant.id,
				adminLogin: admin.login,
				adminPassword: encrypt(admin.password, adminContext(tenant.id))
			}
		})
	);
	return admin;
}

/** What binds the stored password to its tenant. */
export function adminContext(tenantId: string): string {
	return `tenant:${tenantId}:admin_password`;
}

/**
 * `tpl_18_es`: a database with the language, ready to be copied in seconds. Of the version inside: the cluster's may be
 * another since.
 */
async function templateFor(containerId: string, locale: string): Promise<string> {
	const { odooVersion, node, postgresRole } = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		select: {
			...{ odooVersion: true, postgresRole: true },
			node: { select: { cluster: { select: { templatePrefix: true, odooVersion: true } } } }
		}
	});
	const { templatePrefix, odooVersion: usual } = node.cluster;
	const own = Number.parseInt(odooVersion ?? '', 10);
	const prefix = odooVersion === usual || !own ? templatePrefix : `tpl_${own}`;
	// On a server of several its own are called otherwise; whose role somebody set by hand has the names that a script gave.
	const isOurs = postgresRole === roleFor(containerId);
	return `${prefix}_${locale}${isOurs ? templateSuffix(containerId) : ''}`;
}
