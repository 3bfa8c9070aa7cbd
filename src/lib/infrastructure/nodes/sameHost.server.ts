import type { Tx } from '#lib/core/db.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Node } from '#prisma/generated/client.ts';

/** What a machine proves itself by, whatever address it is reached under. */
interface Shows extends Pick<Node, 'sshHostKey' | 'apiFingerprint'> {
	/** Proxmox's name of it; null: not known yet. */
	name: string | null;
}

/**
 * Why a machine cannot be enrolled under another address: it is in service already, and its room would be sold twice. Its SSH
 * host key is its own; a certificate may be shared by many, and tells together with the name.
 * @param besides its own row
 * @returns a sentence that names the node; null when none of those in service is this machine
 */
export async function sameHost(tx: Tx, shows: Shows, besides?: string): Promise<string | null> {
	const { sshHostKey, apiFingerprint, name } = shows;
	const node = await tx.node.findFirst({
		where: {
			...{ removedAt: null, ...(besides && { NOT: { id: besides } }) },
			OR: [{ sshHostKey }, ...(name ? [{ apiFingerprint, name }] : [])]
		},
		select: { name: true, sshHostKey: true, cluster: { select: { name: true } } }
	});
	if (!node) return null;
	const it = { name: node.name, cluster: node.cluster.name };
	return node.sshHostKey === sshHostKey ? m.enrol_same_host_key(it) : m.enrol_same_certificate(it);
}
