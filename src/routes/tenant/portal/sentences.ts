import { m } from '#i18n/paraglide/messages.js';
import type { Instance } from '#lib/provisioning/instances.server.ts';
import { waitingSentence } from '#lib/provisioning/customerWords.ts';
import { date } from '#lib/ui/format.ts';
import type { Viewer } from '#lib/ui/viewer-context.ts';

const SUSPENDED: Record<string, () => string> = {
	unpaid: m.instance_suspended_unpaid,
	abuse: m.instance_suspended_abuse,
	request: m.instance_suspended_request,
	limit: m.instance_suspended_limit
};

/** What a state means for the customer and what happens next; nothing where the word says it all. */
export function stateSentences(instance: Instance, viewer: Viewer): string[] {
	switch (instance.status) {
		case 'requested':
			return [m.instance_requested_text()];
		case 'waiting_capacity':
			return [waitingSentence(instance.progress?.ahead ?? 0, viewer.locale)];
		case 'provisioning':
			return [m.success_running_text()];
		case 'failed':
			return [m.success_failed_text()];
		case 'degraded':
			return [m.instance_degraded_text()];
		case 'migrating':
			return [m.instance_migrating_text()];
		case 'suspended':
			return [(SUSPENDED[instance.suspensionReason ?? ''] ?? m.instance_suspended_request)()];
		case 'deleting':
			return instance.deleteAfter
				? [
						m.instance_deleting_text({
							date: date(instance.deleteAfter, viewer.locale, viewer.timeZone)
						})
					]
				: [];
		case 'refunded':
			return [m.success_refunded_text()];
		default:
			return [];
	}
}
