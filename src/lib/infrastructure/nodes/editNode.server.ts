import { databaseTime, db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Node } from '#prisma/generated/client.ts';
import { clientOf, type NodeAccess } from './clients.server.ts';
import { showFingerprints, type Fingerprints } from './fingerprints.server.ts';
import type { NodePatch } from './nodeForms.ts';
import { findNode, lockedNode, requestLook } from './oneNode.server.ts';
import { sameHost } from './sameHost.server.ts';
import { capacityAppeared } from './waiters.server.ts';

/** How long the node may take to prove that it is the same; tests shorten it. */
export const patience = { requestMs: 8_000 };

/** Saved; or what the servers at the new place show, for somebody to compare and send along. */
export type Edited = { saved: true } | { saved: false; shown: Fingerprints };

/**
 * Changes how a node is reached and how much of it may be promised. At another address, or with `rereads`, its servers
 * show their fingerprints again: one that is not pinned yet must come with the edit, which proves that somebody compared it.
 * Then the API there must say that it is this very node, before anything is changed.
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE when somebody was faster; BAD_INPUT with the field
 */
export async function editNode(
	id: string,
	patch: NodePatch,
	by: Actor,
	{ rereads = false } = {}
): Promise<Edited> {
	const node = await findNode(db, id);
	checkRevision(node, patch);
	const place = placeOf(node, patch);
	const isElsewhere =
		place.apiUrl !== node.apiUrl ||
		place.sshHost !== node.sshHost ||
		place.sshPort !== node.sshPort;
	let pins = { apiFingerprint: node.apiFingerprint, sshHostKey: node.sshHostKey };
	if (isElsewhere || rereads) {
		await refuseKnown(node, place.apiUrl);
		const shown = await showFingerprints(place);
		if (!isConfirmed(node, shown, patch)) return { saved: false, shown };
		pins = { apiFingerprint: shown.api.fingerprint, sshHostKey: shown.ssh.fingerprint };
		// The breaker is that of the place where it was.
		await checkSame({ ...node, ...place, ...pins, haltedAt: null, haltedBy: null });
		const sentence = await sameHost(db, { ...pins, name: node.name }, node.id);
		if (sentence) throw new AppError('BAD_INPUT', { fields: { ssh_host: sentence } });
	}
	await transaction((tx) => save(tx, id, patch, { ...place, ...pins }, by));
	return { saved: true };
}

type Place = Pick<Node, 'apiUrl' | 'sshHost' | 'sshPort' | 'sshUser'>;

function placeOf(node: Node, patch: NodePatch): Place {
	return {
		apiUrl: patch.api_url ?? node.apiUrl,
		sshHost: patch.ssh_host ?? node.sshHost,
		sshPort: patch.ssh_port ?? node.sshPort,
		sshUser: patch.ssh_user ?? node.sshUser
	};
}

function checkRevision(node: Node, { revision }: NodePatch): void {
	if (revision !== undefined && revision !== node.revision)
		throw new AppError('CHANGED_MEANWHILE', { detail: `revision ${node.revision}` });
}

/** What is pinned already was compared when it was; the rest must come with the edit. */
function isConfirmed(node: Node, { api, ssh }: Fingerprints, patch: NodePatch): boolean {
	const isPinned = api.fingerprint === node.apiFingerprint && ssh.fingerprint === node.sshHostKey;
	const isSent =
		api.fingerprint === patch.api_fingerprint && ssh.fingerprint === patch.ssh_host_key;
	return isPinned || isSent;
}

async function refuseKnown(node: Node, apiUrl: string): Promise<void> {
	const other = await db.node.findFirst({
		where: { apiUrl, removedAt: null, NOT: { id: node.id } },
		select: { name: true }
	});
	if (other)
		throw new AppError('BAD_INPUT', {
			fields: { api_url: m.node_edit_known({ name: other.name }) }
		});
}

/** Its token goes to the new place only now that somebody has confirmed it. */
async function checkSame(node: NodeAccess): Promise<void> {
	const refuse = (sentence: string) => new AppError('BAD_INPUT', { fields: { api_url: sentence } });
	const client = clientOf(node, {}, { timeoutMs: patience.requestMs });
	try {
		const status = await client.clusterStatus();
		const local = status.find((row) => row.type === 'node' && row.local);
		if (local && local.name !== node.name)
			throw refuse(m.node_edit_other_node({ name: local.name }));
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		// It may not say who it is, but it accepted the token: Proxmox keeps those per cluster.
		if (error.kind === 'forbidden') return;
		if (error.kind === 'unauthorized') throw refuse(m.node_edit_refused());
		throw refuse(m.node_edit_silent({ error: error.message }));
	}
}

async function save(
	tx: Tx,
	id: string,
	patch: NodePatch,
	access: Place & Pick<Node, 'apiFingerprint' | 'sshHostKey'>,
	by: Actor
): Promise<void> {
	const lookedAt = await databaseTime();
	const before = await lockedNode(tx, id);
	checkRevision(before, patch);
	const isPinnedAnew =
		access.apiFingerprint !== before.apiFingerprint || access.sshHostKey !== before.sshHostKey;
	const isMoved =
		isPinnedAnew ||
		access.apiUrl !== before.apiUrl ||
		access.sshHost !== before.sshHost ||
		access.sshPort !== before.sshPort ||
		access.sshUser !== before.sshUser;
	const after = await tx.node.update({
		where: { id },
		data: {
			...access,
			cpuOvercommit: patch.cpu_overcommit,
			ramOvercommit: patch.ram_overcommit,
			diskOvercommit: patch.disk_overcommit,
			maxContainers: patch.max_containers,
			priority: patch.priority,
			revision: { increment: 1 },
			// What a look finds that began before, it finds at the old place.
			...(isMoved
				? { lookedAt, haltedAt: null, haltedBy: null, haltedReason: null, probedUntil: null }
				: {})
		}
	});
	await audit(tx, {
		actor: by,
		action: isPinnedAnew ? 'infrastructure.pin-fingerprints' : 'infrastructure.edit-node',
		subject: { type: 'node', id },
		before: shown(before),
		after: shown(after)
	});
	await publish(tx, 'staff:nodes', id);
	await capacityAppeared(tx);
	if (isMoved) await requestLook(tx, id);
}

function shown(node: Node) {
	return {
		api_url: node.apiUrl,
		certificate: node.apiFingerprint,
		ssh: `${node.sshUser}@${node.sshHost}:${node.sshPort}`,
		host_key: node.sshHostKey,
		cpu_overcommit: node.cpuOvercommit.toNumber(),
		ram_overcommit: node.ramOvercommit.toNumber(),
		disk_overcommit: node.diskOvercommit.toNumber(),
		max_containers: node.maxContainers,
		priority: node.priority
	};
}
