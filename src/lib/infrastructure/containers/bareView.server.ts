import type { Tx } from '#lib/core/db.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { proxmoxOn } from '../nodes/clients.server.ts';

/** A page waits no longer than this for a node. */
const LOOK_MS = 3_000;

/**
 * The nodes among which staff choose where something is made from Debian's image, the one that is asked for in the
 * address (`?node=`) or the first that is online, and its images: the page is there at once, they come when it answers.
 */
export async function bareChoices(tx: Tx, url: URL) {
	const nodes = await tx.node.findMany({
		where: { removedAt: null },
		orderBy: { name: 'asc' },
		select: { id: true, name: true, status: true, cluster: { select: { name: true } } }
	});
	const asked = url.searchParams.get('node');
	const node =
		nodes.find(({ id }) => id === asked) ??
		nodes.find(({ status }) => status === 'online') ??
		nodes[0];
	return {
		nodes: nodes.map(({ id, name, status, cluster }) => ({
			value: id,
			label: `${name} · ${cluster.name}`,
			disabled: status !== 'online'
		})),
		node: node?.id ?? null,
		images: node ? debianImages(node) : Promise.resolve([])
	};
}

/** Images of Debian 12 that a node has, newest first; null when it does not answer. */
async function debianImages(node: { id: string; name: string }): Promise<string[] | null> {
	const { name } = node;
	try {
		const client = await proxmoxOn(node.id, {}, LOOK_MS);
		const storages = await client.storages(name, 'vztmpl');
		const contents = await Promise.all(
			storages
				.filter(({ active }) => active)
				.map(({ storage }) => client.storageContent(name, storage, { content: 'vztmpl' }))
		);
		return contents
			.flat()
			.map(({ volid }) => volid)
			.filter((volid) => /:vztmpl\/debian-12-/.test(volid))
			.sort()
			.reverse();
	} catch (error) {
		if (error instanceof VendorError) return null;
		throw error;
	}
}
