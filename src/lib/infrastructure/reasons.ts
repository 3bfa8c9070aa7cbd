import { m } from '#i18n/paraglide/messages.js';
import type { Rejection, SharedRejection } from './placement.ts';

/** Why a node or a shared container cannot take a tenant, in the language of the request. */
export function rejectionSentence(reason: Rejection | SharedRejection): string {
	switch (reason.code) {
		case 'offline':
		case 'node_offline':
			return m.infrastructure_reason_offline();
		case 'maintenance':
		case 'node_maintenance':
			return m.infrastructure_reason_maintenance();
		case 'isolation':
			return m.infrastructure_reason_isolation();
		case 'region':
			return m.infrastructure_reason_region({ wanted: reason.wanted, has: reason.has });
		case 'cluster':
			return m.infrastructure_reason_cluster();
		case 'cpuCores':
			return m.infrastructure_reason_cpu({ wanted: reason.wanted, free: reason.free });
		case 'ramMb':
			return m.infrastructure_reason_ram({ wanted: reason.wanted, free: reason.free });
		case 'diskGb':
			return m.infrastructure_reason_disk({ wanted: reason.wanted, free: reason.free });
		case 'containers':
			return m.infrastructure_reason_containers({ max: reason.max });
		case 'addresses':
			return m.infrastructure_reason_addresses();
		case 'vmids':
			return m.infrastructure_reason_vmids();
		case 'not_usable':
			return m.infrastructure_reason_not_usable();
		case 'full':
			return m.infrastructure_reason_full({ slots: reason.slots });
	}
}
