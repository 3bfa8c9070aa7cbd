import { decrypt, sha256 } from '#lib/core/crypto.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { hostUrl, landingOf } from '../custom/domainHosts.server.ts';
import type { EdgeFile } from './edgeArchive.ts';
import { DEBIAN_LAYOUT, edgeConfig, type EdgeAnswer, type EdgeDomain } from './edgeConfig.ts';

/** What an edge server is to serve, as the rows say it now. */
export interface EdgePlan {
	/** Changes with everything in it. */
	release: string;
	/** nginx.conf */
	config: string;
	/** Id of each certificate that the configuration names → SHA-256 of its file. */
	certificates: Map<string, string>;
	/** Host names that it serves with a certificate. */
	served: string[];
}

interface Row {
	hostname: string;
	platform: string;
	ipAddress: string | null;
	suspended: boolean;
	sendsTo: string | null;
	sendsToActive: boolean | null;
	primary: string | null;
	chainHash: string | null;
}

/**
 * The configuration that the database derives for an edge server: every proven domain of its base domains, whether
 * its certificate is there yet or not.
 * @param http2 how its nginx is told of HTTP/2
 */
export async function edgePlan(
	tx: Tx,
	edgeServerId: string,
	http2: 'directive' | 'listen'
): Promise<EdgePlan> {
	const server = await tx.edgeServer.findUniqueOrThrow({
		where: { id: edgeServerId },
		select: { ipv6: true }
	});
	const rows = await tx.$queryRaw<Row[]>`
		SELECT own.external_domain AS hostname, tenant.subdomain || '.' || base.name AS platform,
			container.ip_address AS "ipAddress", tenant.status IN ('suspended', 'deleting', 'migrating') AS suspended,
			other.external_domain AS "sendsTo", other.published AND other.verification_status = 'active' AS "sendsToActive",
			(SELECT home.external_domain FROM custom_domains home WHERE home.tenant_deployment_id = tenant.id
				AND home.is_primary AND home.published AND home.verification_status = 'active' LIMIT 1) AS primary,
			encode(sha256(convert_to(certificate.chain, 'UTF8')), 'hex') AS "chainHash"
		FROM custom_domains own
		JOIN tenant_deployments tenant ON tenant.id = own.tenant_deployment_id
		JOIN base_domains base ON base.id = tenant.base_domain_id
		LEFT JOIN lxc_containers container ON container.id = tenant.container_id
		LEFT JOIN custom_domains other ON other.id = own.redirect_to_id
		LEFT JOIN edge_certificates certificate ON certificate.custom_domain_id = own.id
		WHERE base.edge_server_id = ${edgeServerId}::uuid AND own.driver = 'edge' AND own.verified_at IS NOT NULL
			AND own.verification_status NOT IN ('removed', 'inactive')
		ORDER BY own.external_domain`;
	const certificates = new Map<string, string>();
	const domains = rows.map((row): EdgeDomain => {
		const certificate = row.chainHash?.slice(0, 32) ?? null;
		if (certificate && row.chainHash) certificates.set(certificate, row.chainHash);
		return { hostname: row.hostname, answer: answerOf(row), certificate };
	});
	const facts = {
		...{ domains, http2, layout: DEBIAN_LAYOUT, ipv6: server.ipv6.length > 0 },
		app: { url: appUrl(), host: new URL(env.ORIGIN).hostname }
	};
	const release = sha256(edgeConfig({ ...facts, release: '0' }))
		.toString('hex')
		.slice(0, 32);
	return {
		...{ release, certificates },
		config: edgeConfig({ ...facts, release }),
		served: domains.filter(({ certificate }) => certificate).map(({ hostname }) => hostname)
	};
}

function answerOf(row: Row): EdgeAnswer {
	if (row.suspended) return { kind: 'app' };
	const known = { id: '', over: '', driver: 'edge', isPrimary: false, sendsTo: null };
	const { hostname, platform, primary, sendsTo } = row;
	const others = [
		...(primary ? [{ ...known, hostname: primary, isActive: true, isPrimary: true }] : []),
		...(sendsTo ? [{ ...known, hostname: sendsTo, isActive: row.sendsToActive === true }] : [])
	];
	const landing = landingOf(
		{ platform, domains: [...others, { ...known, hostname, isActive: false, sendsTo }] },
		hostname
	);
	if (landing !== hostname) return { kind: 'redirect', to: hostUrl(landing) };
	return row.ipAddress ? { kind: 'tenant', ip: row.ipAddress, host: platform } : { kind: 'app' };
}

/** Where the edge reaches the control plane. */
function appUrl(): string {
	return env.INTERNAL_URL ?? `http://127.0.0.1:${env.PORT}`;
}

/** What binds the envelope of a certificate's key to its row. */
export function keyContext(customDomainId: string): string {
	return `edge_certificate:${customDomainId}`;
}

/** The files of some certificates of a plan, keys for root's eyes alone. @param ids as in `EdgePlan.certificates` */
export async function certificateFiles(tx: Tx, ids: string[]): Promise<EdgeFile[]> {
	if (ids.length === 0) return [];
	const rows = await tx.$queryRaw<
		{ customDomainId: string; chain: string; privateKey: string; id: string }[]
	>`
		SELECT custom_domain_id AS "customDomainId", chain, private_key AS "privateKey",
			left(encode(sha256(convert_to(chain, 'UTF8')), 'hex'), 32) AS id
		FROM edge_certificates
		WHERE chain IS NOT NULL AND private_key IS NOT NULL
			AND left(encode(sha256(convert_to(chain, 'UTF8')), 'hex'), 32) = ANY(${ids}::text[])`;
	return rows.flatMap(({ customDomainId, chain, privateKey, id }) => [
		{ path: `certs/${id}.pem`, content: chain, mode: 0o644 },
		{
			path: `certs/${id}.key`,
			content: decrypt(privateKey, keyContext(customDomainId)),
			mode: 0o600
		}
	]);
}
