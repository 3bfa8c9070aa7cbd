import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { odooIn } from '#lib/infrastructure/containers/odooClient.server.ts';
import type { MovingRow } from './tenantMoveRow.server.ts';
import type { TenantMoveContext } from './tenantMoveState.ts';

type Odoo = Awaited<ReturnType<typeof odooIn>>;

/** Modules that are named; there may be hundreds. */
const MOST_NAMED = 10;

/**
 * Odoo can be kept out of a held database: nothing keeps a superuser out, so that its scheduled jobs would go on in both.
 * @throws {AppError} ODOO_IS_SUPERUSER
 */
export async function mustBeKeptOut(odoo: Odoo, containerId: string): Promise<void> {
	if (!(await odoo.isSuperuser())) return;
	const { vmid, node } = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		select: { vmid: true, node: { select: { name: true } } }
	});
	const place = `${node.name} / CT ${vmid}`;
	throw new AppError('ODOO_IS_SUPERUSER', { params: { place }, detail: place });
}

/**
 * The other side has the code of everything that is installed, as far as it is the side that the instance leaves that has
 * it: what comes with Odoo itself is on both. Asked before anybody notices.
 * @throws {AppError} ADDONS_MISSING with their names, ODOO_IS_SUPERUSER
 */
export async function mustSuit(context: TenantMoveContext, row: MovingRow): Promise<void> {
	const source = await odooIn(row.fromContainerId, context.trace);
	const target = await odooIn(row.toContainerId!, context.trace);
	try {
		await mustBeKeptOut(target, row.toContainerId!);
		const [here, there] = [await source.moduleFolders(), await target.moduleFolders()];
		const installed = await source.installedModules(row.tenant.databaseName);
		const missing = installed.filter((name) => here.has(name) && !there.has(name));
		if (missing.length === 0) return;
		const named = missing.slice(0, MOST_NAMED).join(', ');
		const modules = missing.length > MOST_NAMED ? `${named} … (${missing.length})` : named;
		throw new AppError('ADDONS_MISSING', { params: { modules }, detail: modules });
	} finally {
		await source.close();
		await target.close();
	}
}
