import { setting } from '#lib/settings/settings.server.ts';
import { publicDns } from '../../domains/doctor/publicDns.server.ts';

const CONTROL_MS = 5_000;

/**
 * Whether we see the public internet at all: a host that is none of ours answers, whatever it says, or the public DNS
 * knows that it is not there.
 */
export async function canWeSee(): Promise<boolean> {
	const host = await setting('provisioning.probe_control_host');
	const answer = await publicDns().publicFetch({ url: `https://${host}/`, timeoutMs: CONTROL_MS });
	if (answer.kind === 'answered') return true;
	return answer.reason === 'nxdomain' || answer.reason === 'nodata';
}
