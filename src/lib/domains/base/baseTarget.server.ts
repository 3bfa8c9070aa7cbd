import { db } from '#lib/core/db.server.ts';
import type { BaseDomain } from '#prisma/generated/client.ts';
import type { Cloudflare } from '../../integrations/cloudflare/cloudflare.server.ts';
import { CloudflareError } from '../../integrations/cloudflare/errors.ts';
import type { DnsRecord } from '../../integrations/cloudflare/types.ts';
import { BaseObstacle } from './baseWords.ts';
import { isSameOwner, markOf, ownerIn } from '../records/marks.ts';
import { neededOfBase } from '../records/neededRecords.server.ts';
import { isAsNeeded, type Needed } from '../records/recordStanding.ts';

/**
 * Makes the records at a base domain's target what its driver needs: a proxied one that leads to the tunnel, or the plain
 * addresses of our edge. Ours that are needed no more go; anybody else's stay.
 * @throws {BaseObstacle} with what is in the way
 * @throws {CloudflareError}
 */
export async function ensureTarget(client: Cloudflare, base: BaseDomain): Promise<void> {
	const needed = await neededOfBase(db, base.id);
	if (base.driver === 'edge' && !needed.some(({ type }) => type !== 'CNAME'))
		throw new BaseObstacle('edge_without_address', {});
	if (!base.target) {
		if (base.driver === 'account_cname') return;
		throw new BaseObstacle('no_target', {});
	}
	const owner = { kind: 'base' as const, id: base.id };
	const read = async () => {
		const there = await client.dns.findByName(base.zoneId, base.target);
		const ours = there.filter((record) => isSameOwner(ownerIn(record.comment), owner));
		return { ours, foreign: there.filter((record) => !ours.includes(record) && isHost(record)) };
	};
	const before = await read();
	const [inTheWay] = before.foreign;
	if (inTheWay && needed.length > 0) {
		const { name, type, content } = inTheWay;
		throw new BaseObstacle('record_in_the_way', { name, type, content });
	}
	if (isDone(before.ours, needed)) return;
	await putRight(client, base.zoneId, before.ours, needed);
	const after = await read();
	if (isDone(after.ours, needed)) return;
	throw new CloudflareError({
		kind: 'vendor',
		operation: 'dns.batch',
		message: `${base.target} could not be read back`,
		retryable: true
	});
}

/** Takes back what we made at a target, and nothing else. */
export async function removeTarget(
	client: Cloudflare,
	{ id, zoneId, target }: { id: string; zoneId: string; target: string }
): Promise<void> {
	if (!target) return;
	const there = await client.dns.findByName(zoneId, target);
	for (const record of there)
		if (isSameOwner(ownerIn(record.comment), { kind: 'base', id }))
			await client.dns.delete(zoneId, record.id);
}

function isHost({ type }: DnsRecord): boolean {
	return ['A', 'AAAA', 'CNAME'].includes(type);
}

function isDone(ours: DnsRecord[], needed: Needed[]): boolean {
	return (
		ours.length === needed.length &&
		needed.every((one) => ours.some((record) => isAsNeeded(record, one)))
	);
}

/** In one call: what has to go makes room for what has to come. */
async function putRight(
	client: Cloudflare,
	zoneId: string,
	ours: DnsRecord[],
	needed: Needed[]
): Promise<void> {
	const right = (record: DnsRecord) => needed.some((one) => isAsNeeded(record, one));
	await client.dns.batch(zoneId, {
		deletes: ours.filter((record) => !right(record)).map(({ id }) => ({ id })),
		patches: [],
		posts: needed
			.filter((one) => !ours.some((record) => isAsNeeded(record, one)))
			.map(({ owner, name, type, content, proxied }) => ({
				...{ name, type, content, proxied },
				comment: markOf(owner)
			}))
	});
}
