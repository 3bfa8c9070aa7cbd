import type { CustomHostname } from '../../integrations/cloudflare/types.ts';
import type { WayIn } from './drivers.ts';
import type { Finding } from '../doctor/domainTypes.ts';

/** What we keep of a custom hostname as Cloudflare shows it. */
export function factsOf(hostname: CustomHostname, at: Date) {
	const { ssl } = hostname;
	return {
		cloudflareHostnameId: hostname.id,
		hostnameStatus: hostname.status ?? null,
		hostnameSslStatus: ssl?.status ?? null,
		hostnameErrors: [
			...hostname.verification_errors,
			...(ssl?.validation_errors.map(({ message }) => message) ?? [])
		],
		hostnameRecords: hostname.ownership_verification
			? [
					{
						name: hostname.ownership_verification.name,
						value: hostname.ownership_verification.value
					}
				]
			: [],
		hostnameSeenAt: at,
		certificateIssuer: ssl?.issuer ?? null,
		certificateExpiresAt: ssl?.expires_on ? new Date(ssl.expires_on) : null
	};
}

interface Known {
	cloudflareHostnameId: string | null;
	hostnameStatus: string | null;
	hostnameSslStatus: string | null;
	hostnameErrors: string[];
	certificateIssuer: string | null;
	certificateExpiresAt: Date | null;
}

/** Words of the two state machines after which Cloudflare does not go on by itself. */
const BLOCKED = new Set(['blocked', 'pending_blocked', 'test_blocked', 'test_failed']);
const GONE = new Set(['deleted', 'pending_deletion', 'moved']);

/** Both of Cloudflare's states as one: it serves only when both are active. */
export function wayInOf(known: Known): WayIn {
	const { hostnameStatus: status, hostnameSslStatus: ssl, hostnameErrors } = known;
	const detail = hostnameErrors.join('; ');
	const findings: Finding[] = [];
	const timedOut = ssl?.endsWith('_timed_out') || ssl === 'expired';
	const caa = hostnameErrors.find((error) => /caa/i.test(error));
	if (status && BLOCKED.has(status))
		findings.push({
			code: 'hostname_blocked',
			of: 'certificate',
			blocks: true,
			params: { detail: detail || status }
		});
	else if (caa || timedOut)
		findings.push({
			code: 'certificate_refused',
			of: 'certificate',
			blocks: true,
			params: { detail: caa ?? (detail || ssl || '') }
		});
	return {
		configured: known.cloudflareHostnameId !== null,
		routed: status === 'active' ? true : status && GONE.has(status) ? false : null,
		certificate:
			findings.length > 0
				? 'error'
				: ssl === 'active' && status === 'active'
					? 'active'
					: 'pending',
		issuer: known.certificateIssuer,
		expiresAt: known.certificateExpiresAt,
		findings,
		facts: {}
	};
}
