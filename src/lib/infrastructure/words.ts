import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { ContainerPurpose, ContainerStatus, NodeStatus } from '#prisma/generated/enums.ts';

const NODES: Record<NodeStatus, { label: () => string; tone: Tone }> = {
	online: { label: m.node_status_online, tone: 'success' },
	offline: { label: m.node_status_offline, tone: 'danger' },
	maintenance: { label: m.node_status_maintenance, tone: 'warning' }
};

/** A node's state for Badge. */
export function nodeStatus(status: NodeStatus): { label: string; tone: Tone } {
	return { label: NODES[status].label(), tone: NODES[status].tone };
}

const CONTAINERS: Record<ContainerStatus, { label: () => string; tone: Tone }> = {
	provisioning: { label: m.container_status_provisioning, tone: 'info' },
	running: { label: m.container_status_running, tone: 'success' },
	stopped: { label: m.container_status_stopped, tone: 'neutral' },
	paused: { label: m.container_status_paused, tone: 'warning' },
	error: { label: m.container_status_error, tone: 'danger' },
	deleted: { label: m.container_status_deleted, tone: 'neutral' }
};

/** A container's state for Badge. */
export function containerStatus(status: ContainerStatus): { label: string; tone: Tone } {
	return { label: CONTAINERS[status].label(), tone: CONTAINERS[status].tone };
}

export const CONTAINER_STATUSES = Object.keys(CONTAINERS).filter(isContainerStatus);

export function isContainerStatus(status: string): status is ContainerStatus {
	return Object.hasOwn(CONTAINERS, status);
}

const PURPOSES: Record<ContainerPurpose, () => string> = {
	odoo: m.container_purpose_odoo,
	postgres: m.container_purpose_postgres,
	shared: m.container_purpose_shared,
	template: m.container_purpose_template
};

export function containerPurpose(purpose: ContainerPurpose): string {
	return PURPOSES[purpose]();
}
