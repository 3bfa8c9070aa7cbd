import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Step } from '#lib/core/saga.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { odooIn } from '#lib/infrastructure/containers/odooClient.server.ts';
import { removeHa } from '#lib/infrastructure/ha/ha.server.ts';
import { stepMessage } from '../../stepMessages.ts';
import { announce } from '../../tenantState.server.ts';
import { backOnAir } from '../airBreak.server.ts';
import { followTunnels } from '../containers/containerMoveEdge.server.ts';
import { settleInPlace } from './tenantMoveInPlace.server.ts';
import { isOneServer, isSwitched, rowIn, rowOf, type MovingRow } from './tenantMoveRow.server.ts';
import {
	folderOf,
	keptName,
	sideName,
	type TenantMoveContext,
	type TenantMoveState
} from './tenantMoveState.ts';

/** The instance lives in the new place from this step's transaction on, and nothing is taken back any more. */
export const switchStep: Step<TenantMoveState> = {
	name: 'switch',
	async run(context) {
		const row = await rowOf(context);
		if (!isSwitched(row)) {
			if (!context.state.inPlace) await makeReady(context, row);
			await goOver(context);
		}
		const code = context.state.inPlace ? 'copy_switched_in_place' : 'copy_switched';
		return { message: stepMessage(code, {}) };
	}
};

/** The copy gets the name; a last look says that the old one is held and the new one there. */
async function makeReady(context: TenantMoveContext, row: MovingRow): Promise<void> {
	const name = row.tenant.databaseName;
	const target = await odooIn(row.toContainerId!, context.trace);
	const source = await odooIn(row.fromContainerId, context.trace);
	try {
		const isOne = await isOneServer(row);
		const old = isOne ? keptName(name, context.jobId) : name;
		// On one server the name is free only once the old one has left it.
		if (isOne) await source.renameDatabase(name, old);
		await target.renameDatabase(sideName(name, context.jobId), name);
		const [here, there] = [await source.reachOf(old), await target.reachOf(name)];
		if (here === 'held' && there === 'held') return;
		throw new AppError('VENDOR_FAILED', {
			params: { vendor: 'odoo' },
			detail: `before the switch the old database is ${here} and the new one ${there}`
		});
	} finally {
		await target.close();
		await source.close();
	}
}

/** Odoo gets into the new one: from here on its scheduled jobs run again, there alone. */
export const openStep: Step<TenantMoveState> = {
	name: 'open',
	async run(context) {
		if (context.state.inPlace) return;
		const { toContainerId, tenant } = await rowOf(context);
		const target = await odooIn(toContainerId!, context.trace);
		try {
			await target.setReach(tenant.databaseName, 'open');
		} finally {
			await target.close();
		}
	}
};

/** @throws {ClaimLost} when it was cancelled in this moment: then nothing has switched */
async function goOver(context: TenantMoveContext): Promise<void> {
	await context.write(async (tx) => {
		const row = await rowIn(tx, context.state.migrationId);
		if (isSwitched(row)) return;
		const { tenant, toIsolation, toContainerId } = row;
		await tx.tenant.updateMany({
			where: { id: tenant.id, customerId: tenant.customerId },
			data: { containerId: toContainerId, isolation: toIsolation, version: { increment: 1 } }
		});
		if (context.state.inPlace) await settleInPlace(tx, row, context.state);
		else
			await tx.container.updateMany({
				where: { id: row.fromContainerId, purpose: { not: 'shared' } },
				data: { wantedRunning: false }
			});
		await audit(tx, {
			actor: SYSTEM,
			action: 'tenants.move-switched',
			subject: { type: 'tenant', id: tenant.id },
			customerId: tenant.customerId,
			before: { isolation: row.fromIsolation, container_id: row.fromContainerId },
			after: { isolation: toIsolation, container_id: toContainerId }
		});
		await announce(tx, tenant);
	});
}

/** Its name leads to the new place, by the tunnel that carries it there. */
export const ingressStep: Step<TenantMoveState> = {
	name: 'ingress',
	async run(context) {
		if (context.state.inPlace) return;
		if (context.state.tunnelAskedAt === undefined)
			await context.save({ tunnelAskedAt: Date.now() });
		return followTunnels(context, [context.subjectId], context.state.tunnelAskedAt!);
	}
};

/** It is seen through the edge as its visitors see it: its time off the air is over. */
export const onAirStep: Step<TenantMoveState> = {
	name: 'onair',
	async run(context) {
		if (context.state.inPlace) return;
		if (context.state.onAirAskedAt === undefined) await context.save({ onAirAskedAt: Date.now() });
		const wait = await backOnAir(context, [context.subjectId], context.state.onAirAskedAt!);
		if (wait) return wait;
		const { offAirAt, onAirAt } = await rowOf(context);
		if (!offAirAt || !onAirAt) return { message: stepMessage('copy_nobody', {}) };
		const seconds = Math.round((onAirAt.getTime() - offAirAt.getTime()) / 100) / 10;
		return { message: stepMessage('copy_on_air', { seconds }) };
	}
};

/**
 * The old one is put where nobody gets into it: under another name in a container that others live in. A container of its
 * own is stopped once the run has ended (`tenantMoveKept.server.ts`); until then its database is held as it is. In place:
 * what stood by for it is let go.
 */
export const keepStep: Step<TenantMoveState> = {
	name: 'keep',
	async run(context) {
		const row = await rowOf(context);
		if (context.state.inPlace) {
			if (row.fromIsolation === 'dedicated_ha') await removeHa(context, row.fromContainerId);
			return;
		}
		await forgetFiles(context, row);
		const { purpose } = await db.container.findUniqueOrThrow({
			where: { id: row.fromContainerId }
		});
		if (purpose === 'shared') {
			const { databaseName } = row.tenant;
			const kept = keptName(databaseName, context.jobId);
			const source = await odooIn(row.fromContainerId, context.trace);
			try {
				await source.renameDatabase(databaseName, kept);
				await source.setReach(kept, 'shut');
				await source.removeFolder(folderOf(context.jobId));
			} finally {
				await source.close();
			}
		}
		return { message: stepMessage('copy_kept', {}) };
	}
};

async function forgetFiles(context: TenantMoveContext, row: MovingRow): Promise<void> {
	const target = await odooIn(row.toContainerId!, context.trace);
	try {
		await target.removeFolder(folderOf(context.jobId));
	} finally {
		await target.close();
	}
}
