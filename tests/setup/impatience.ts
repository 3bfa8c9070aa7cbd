import { tuning as sagaTuning } from '#lib/core/sagaPatience.ts';
import { breakerPatience } from '#lib/infrastructure/nodes/breakerPatience.ts';
import { patience as proxmoxPatience } from '#lib/infrastructure/nodes/clients.server.ts';
import { tuning as odooTuning } from '#lib/integrations/odoo/patience.ts';
import { patience as sshPatience } from '#lib/integrations/ssh/ssh.server.ts';
import { patience as lookPatience } from '#lib/domains/custom/answer.server.ts';
import { patience as publishPatience } from '#lib/provisioning/publishStep.server.ts';
import { tuning as clientTuning } from '#lib/settings/clients.server.ts';

/** Milliseconds after which a vendor that does not answer is given up in tests; far more than a busy machine needs. */
export const GIVEN_UP_AFTER = 4_000;

/**
 * Shortens how long the product waits for vendors that never answer, so that a fault costs seconds; nothing else about
 * how it treats them changes. Call it before the first call to a vendor.
 */
export function beImpatient(): void {
	sagaTuning.backoffScale = 0.02;
	proxmoxPatience.requestMs = GIVEN_UP_AFTER;
	breakerPatience.pauseMs = 100;
	odooTuning.longestSeconds = GIVEN_UP_AFTER / 1000;
	odooTuning.patienceSeconds = 1;
	sshPatience.graceMs = 1_000;
	lookPatience.lookMs = GIVEN_UP_AFTER;
	publishPatience.verifyMs = publishPatience.usualMs = 30_000;
	Object.assign(clientTuning, {
		stripeTimeoutMs: GIVEN_UP_AFTER,
		stripeReadRetries: 1,
		cloudflareTimeoutMs: GIVEN_UP_AFTER
	});
}
