import { db } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { shownCertificate } from '#lib/integrations/proxmox/certificate.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';

const TIMEOUT_MS = 5_000;

/**
 * Notes until when the certificate of every node's API is valid. Only the handshake is made. What shows another
 * certificate than the pinned one says nothing about it, and one that does not answer leaves what was known.
 */
export async function readNodeCertificates(): Promise<void> {
	const nodes = await db.node.findMany({
		where: { removedAt: null, haltedAt: null },
		select: { id: true, name: true, apiUrl: true, apiFingerprint: true }
	});
	await Promise.all(
		nodes.map(async ({ id, name, apiUrl, apiFingerprint }) => {
			try {
				const { fingerprint, validTo } = await shownCertificate(apiUrl, TIMEOUT_MS);
				if (fingerprint !== apiFingerprint) return;
				await db.node.updateMany({
					where: { id, apiFingerprint },
					data: { apiCertificateExpiresAt: new Date(validTo) }
				});
			} catch (error) {
				if (!(error instanceof ProxmoxError)) throw error;
				log.warn({ err: error, node: name }, 'the certificate of a node could not be read');
			}
		})
	);
}
