import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { EdgeCertificate } from '#prisma/generated/client.ts';
import { edgeAuthorities } from '../edge/acmeAccount.server.ts';
import '../edge/acme.server.ts';
import { routedHere } from '../doctor/doctor.ts';
import { knownHostname } from './domainNames.ts';
import type { DomainDriverActs, DomainPlace, WayIn } from './drivers.ts';
import type { Finding, WantedRecord } from '../doctor/domainTypes.ts';
import { EdgeError } from '../edge/edgeShell.server.ts';
import { requestEdge } from '../edge/edgeServers.server.ts';

/** Our own nginx: names lead to its addresses, certificates come from an ACME authority. */
export const edgeDriver: DomainDriverActs = {
	async records(place) {
		const { hostname: name } = place.domain;
		const { target } = place.baseDomain;
		const purpose = 'routing';
		if (!knownHostname(name).isApex) return [{ purpose, type: 'CNAME', name, value: target }];
		const { ipv4, ipv6 } = await edgeOf(place);
		const addresses: WantedRecord[] = [
			...ipv4.map((value) => ({ ...{ purpose, name, value }, type: 'A' as const })),
			...ipv6.map((value) => ({ ...{ purpose, name, value }, type: 'AAAA' as const }))
		].map((one) => ({ ...one, purpose: 'routing', alternative: 1 }));
		return [...addresses, { purpose, type: 'ALIAS', name, value: target, alternative: 1 }];
	},

	async expected(place) {
		const { ipv4, ipv6 } = await edgeOf(place);
		return {
			target: place.baseDomain.target,
			addresses: [...ipv4, ...ipv6],
			authorities: await edgeAuthorities()
		};
	},

	async ensure(place, { seen }) {
		const { domain } = place;
		const { ipv4, ipv6, ...edge } = await edgeOf(place);
		const target = place.baseDomain.target;
		const routed = routedHere(seen, {
			...{ hostname: domain.hostname, isApex: false, verificationName: '', verificationToken: '' },
			...{ target, addresses: [...ipv4, ...ipv6], authorities: [], certificateExpected: false }
		});
		const row = await db.edgeCertificate.findUnique({ where: { customDomainId: domain.id } });
		// It has never been written to: without us it would not even pass the authority's question on.
		if (edge.wantedVersion === 0) await transaction((tx) => requestEdge(tx, edge.id));
		if (routed && mayOrder(row))
			await enqueue(
				db,
				'domains.certificate',
				{ domainId: domain.id, leads: true },
				{ key: domain.id }
			);
		const isCurrent = edge.appliedVersion > 0 && edge.appliedVersion >= edge.wantedVersion;
		return {
			...wayInOf(row, routed, { caa: seen.caa, authorities: await edgeAuthorities() }),
			// Once it stood it stands, whatever somebody else's domain has just changed.
			configured: isCurrent || (domain.published && edge.appliedVersion > 0)
		};
	},

	async remove(place) {
		const { id, hostname } = place.domain;
		await transaction(async (tx) => {
			await tx.acmeChallenge.deleteMany({ where: { hostname } });
			await tx.edgeCertificate.deleteMany({ where: { customDomainId: id, failures: 0 } });
			// The authority counts failures by name, and so do we when the domain is added again.
			await tx.edgeCertificate.updateMany({
				where: { customDomainId: id },
				data: {
					...{ chain: null, privateKey: null, notAfter: null, issuer: null },
					...{ orderUrl: null, orderKey: null }
				}
			});
			const { edgeServerId } = place.baseDomain;
			if (edgeServerId) await requestEdge(tx, edgeServerId);
		});
	}
};

async function edgeOf({ baseDomain }: DomainPlace) {
	const id = baseDomain.edgeServerId;
	if (!id) throw new EdgeError('edge.find', `${baseDomain.name} has no edge server`);
	return db.edgeServer.findUniqueOrThrow({ where: { id } });
}

/** Nothing is under way, and nothing says to wait. */
function mayOrder(row: EdgeCertificate | null): boolean {
	if (!row) return true;
	if (row.orderUrl) return false;
	return row.nextTryAt ? row.nextTryAt <= now() : true;
}

/** Who may issue for a name, as its zone says it, and who would have to. */
interface Issuers {
	caa: { at: string; issuers: string[] } | null;
	authorities: string[];
}

function wayInOf(
	row: EdgeCertificate | null,
	routed: boolean,
	issuers: Issuers
): Omit<WayIn, 'configured'> {
	const valid = Boolean(row?.chain && row.notAfter && row.notAfter > now());
	const refused = row?.error && !row.error.startsWith('away: ') ? row.error : null;
	const findings = refused ? [findingOf(refused, valid, issuers)] : [];
	const issuer = valid ? (row?.issuer ?? null) : null;
	const expiresAt = valid ? (row?.notAfter ?? null) : null;
	return {
		...{ routed, findings, issuer, expiresAt },
		certificate: valid ? 'active' : refused ? 'error' : routed ? 'pending' : 'none',
		facts: { certificateIssuer: issuer, certificateExpiresAt: expiresAt }
	};
}

/** What the authority said, `type: detail`, as a finding. @param valid an earlier certificate is in force */
function findingOf(said: string, valid: boolean, { caa, authorities }: Issuers): Finding {
	const [, type = '', detail = said] = /^(\w+): (.*)$/s.exec(said) ?? [];
	const common = { of: 'certificate', blocks: !valid } as const;
	if (type !== 'caa' || !caa) return { ...common, code: 'certificate_refused', params: { detail } };
	const params = {
		...{ found: caa.issuers.join(', '), at: caa.at },
		wanted: authorities.join(', ')
	};
	return { ...common, code: 'caa_forbids', params };
}
