import { MINUTE } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Step } from '#lib/core/saga.server.ts';
import {
	destroyContainer,
	ensureContainer
} from '../infrastructure/containers/containers.server.ts';
import { ensureHa } from '../infrastructure/ha/ha.server.ts';
import { stepMessage } from './stepMessages.ts';
import type { CreateTenantState } from './stepTypes.ts';

/** How long a container may take, the queue for its template included; tests shorten it. */
export const patience = { containerMs: 120 * MINUTE };

/** The container of the reserved place exists, has its limits and address, and runs; with high availability on two nodes. */
export const containerStep: Step<CreateTenantState> = {
	name: 'container',
	async run(context) {
		const { containerId, isolation } = await containerOf(context.subjectId);
		if (context.state.containerAskedAt === undefined)
			await context.save({ containerAskedAt: Date.now() });
		const made = await ensureContainer(context, containerId!);
		const progress =
			made.ready && isolation === 'dedicated_ha' ? await ensureHa(context, containerId!) : made;
		const { node, vmid } = progress;
		if (progress.ready) return { message: stepMessage('container_ready', { node, vmid }) };
		if (Date.now() - context.state.containerAskedAt! > patience.containerMs) {
			throw new AppError('VENDOR_FAILED', {
				params: { vendor: 'proxmox' },
				detail: `the container did not become ready: ${progress.reason}`
			});
		}
		const { wait, reason } = progress;
		return { wait, reason, message: stepMessage(`container_${reason}`, { node, vmid }) };
	},
	async undo(context) {
		const { containerId } = await containerOf(context.subjectId);
		if (containerId) await destroyContainer(context, containerId, { tenantId: context.subjectId });
	}
};

function containerOf(tenantId: string) {
	return db.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		select: { containerId: true, isolation: true }
	});
}
