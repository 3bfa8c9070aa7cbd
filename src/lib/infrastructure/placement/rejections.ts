import { m } from '#i18n/paraglide/messages.js';
import { megabytes, number } from '#lib/ui/format.ts';
import type { Rejection, SharedRejection } from './placement.ts';

/** Why a node cannot take a container, as a sentence. */
export function rejectionSentence(reason: Rejection, locale: string): string {
	const gigabytes = (gb: number) => megabytes(gb * 1024, locale);
	switch (reason.code) {
		case 'offline':
			return m.rejection_offline();
		case 'maintenance':
			return m.rejection_maintenance();
		case 'unwell':
			return m.rejection_unwell();
		case 'silent':
			return m.rejection_silent();
		case 'ha_version':
			return m.rejection_ha_version();
		case 'ha_quorum':
			return m.rejection_ha_quorum({ online: number(reason.online, locale) });
		case 'ha_storage':
			return m.rejection_ha_storage();
		case 'ha_template':
			return m.rejection_ha_template();
		case 'ha_partner':
			return m.rejection_ha_partner();
		case 'region':
			return m.rejection_region({ wanted: reason.wanted, has: reason.has });
		case 'cluster':
			return m.rejection_cluster();
		case 'cpuCores':
			return m.rejection_cpu({
				wanted: number(reason.wanted, locale),
				free: number(reason.free, locale)
			});
		case 'ramMb':
			return m.rejection_ram({
				wanted: megabytes(reason.wanted, locale),
				free: megabytes(reason.free, locale)
			});
		case 'diskGb':
			return m.rejection_disk({
				wanted: gigabytes(reason.wanted),
				free: gigabytes(reason.free)
			});
		case 'containers':
			return m.rejection_containers({ max: number(reason.max, locale) });
		case 'addresses':
			return m.rejection_addresses();
		case 'vmids':
			return m.rejection_vmids();
		case 'template':
			return m.rejection_template();
		case 'database_server':
			return m.rejection_database_server();
		case 'database_server_full':
			return m.rejection_database_server_full();
		case 'ha_databases':
			return m.rejection_ha_databases();
	}
}

/** Why a shared container cannot take one more tenant, as a sentence. */
export function sharedRejectionSentence(reason: SharedRejection): string {
	switch (reason.code) {
		case 'node_offline':
			return m.rejection_offline();
		case 'node_maintenance':
			return m.rejection_maintenance();
		case 'node_unwell':
			return m.rejection_unwell();
		case 'node_silent':
			return m.rejection_silent();
		case 'not_usable':
			return m.rejection_not_usable();
		case 'region':
			return m.rejection_other_region();
		case 'cluster':
			return m.rejection_cluster();
		case 'full':
			return m.rejection_full({ slots: reason.slots });
	}
}
