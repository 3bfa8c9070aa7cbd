import { AppError } from '#lib/core/errors.ts';
import type { ContainerStatus, NodeStatus } from '#prisma/generated/enums.ts';

const CONTAINER: Record<ContainerStatus, ContainerStatus[]> = {
	provisioning: ['running', 'error', 'deleted'],
	running: ['stopped', 'paused', 'error', 'deleted'],
	stopped: ['running', 'error', 'deleted'],
	paused: ['running', 'error', 'deleted'],
	error: ['running', 'stopped', 'deleted'],
	deleted: []
};

/** The status after the change. @throws {AppError} WRONG_STATE when a container never goes that way */
export function containerTransition(from: ContainerStatus, to: ContainerStatus): ContainerStatus {
	if (from !== to && !CONTAINER[from].includes(to)) {
		throw new AppError('WRONG_STATE', { params: { from, to } });
	}
	return to;
}

// Maintenance is for staff to begin and end; a check finds out the rest.
const NODE: Record<NodeStatus, NodeStatus[]> = {
	online: ['offline', 'maintenance'],
	offline: ['online', 'maintenance'],
	maintenance: ['online', 'offline']
};

/** The status after the change. @throws {AppError} WRONG_STATE when a node never goes that way */
export function nodeTransition(from: NodeStatus, to: NodeStatus): NodeStatus {
	if (from !== to && !NODE[from].includes(to)) {
		throw new AppError('WRONG_STATE', { params: { from, to } });
	}
	return to;
}
