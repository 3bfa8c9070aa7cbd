import { type Budget, budgetOf } from '#lib/logs/budget.server.ts';
import { cloudflareAllowance } from '../settings/clients.server.ts';

/** What `ProviderBudget.svelte` shows: Cloudflare's budget of calls as it stands now. */
export async function providerBudget(): Promise<Budget> {
	return budgetOf('cloudflare', await cloudflareAllowance());
}
