/**
 * A process of the product for tests that kill it. Its patience with vendors is long, so that a call that the sandbox
 * holds is still held when the process is killed.
 */
import { z } from 'zod';
import { patience as proxmox } from '#lib/infrastructure/nodes/clients.server.ts';
import { startProcess } from '#lib/jobs/start.server.ts';
import { patience as looks } from '#lib/domains/custom/answer.server.ts';
import { patience as publishing } from '#lib/provisioning/publishStep.server.ts';
import { signupSchema } from '#lib/provisioning/schema.ts';
import { openSignup } from '#lib/provisioning/signups.server.ts';
import { tuning as clients } from '#lib/settings/clients.server.ts';

const HELD_MS = 300_000;

proxmox.requestMs = HELD_MS;
looks.lookMs = HELD_MS;
publishing.verifyMs = 5_000;
Object.assign(clients, { cloudflareTimeoutMs: HELD_MS, stripeTimeoutMs: HELD_MS });

await startProcess();
process.on('message', async (message) => {
	const { open } = z.object({ open: signupSchema }).parse(message);
	await openSignup(open, { ip: null, locale: 'es', signupId: null });
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
