import { setTimeout as sleep } from 'node:timers/promises';
import { DAY, now, SECOND } from '#lib/core/clock.server.ts';
import { decrypt, encrypt } from '#lib/core/crypto.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { EdgeCertificate } from '#prisma/generated/client.ts';
import type { AcmeClient, AcmeOrder } from '../../integrations/acme/acme.server.ts';
import { AcmeError } from '../../integrations/acme/errors.ts';
import { acmeLibrary, acmeWithAccount, forgetAccount } from './acmeAccount.server.ts';
import { afterFailure, afterLimit, afterSilence, factsOf, renewalTime } from './acmePace.ts';
import { fitsKey, newKey } from './certificateKey.ts';
import { keyContext } from './edgePlan.server.ts';
import { requestEdge } from './edgeServers.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** `leads`: somebody has just seen that the name leads here. */
		'domains.certificate': { domainId: string; leads?: boolean | undefined };
	}
}

/** Tests shorten it. */
export const patience = {
	/** How long one run waits for the authority; another one goes on. */
	waitMs: 10 * SECOND,
	pollMs: SECOND,
	/** Until the next run, while the authority still works. */
	againSeconds: 5
};

/** The authority found something that stands in the way. */
class Refusal extends Error {
	readonly type: string;

	constructor(type: string, detail: string) {
		super(detail);
		this.type = type;
	}
}

/**
 * Brings the certificate of a domain on our own edge as far as it goes: orders it, proves the name, fetches it, hands it
 * to the edge, and begins anew when it is time to renew. The order's address and the key are stored before they are used,
 * so that a run after any death goes on with the same order. What the authority refuses is tried again later, at a pace
 * that respects its limits, for as long as the domain is there.
 * @param leads the name was just seen to lead here; else its row says so
 */
export async function tendCertificate(domainId: string, leads = false): Promise<void> {
	const domain = await db.customDomain.findUnique({
		where: { id: domainId },
		include: { tenant: { select: { baseDomain: { select: { edgeServerId: true } } } } }
	});
	const isServed =
		domain?.driver === 'edge' &&
		domain.verifiedAt !== null &&
		!['removed', 'inactive'].includes(domain.status);
	if (!domain || !isServed) return;
	const { hostname } = domain;
	const row = await db.edgeCertificate.upsert({
		where: { customDomainId: domainId },
		create: { customDomainId: domainId, hostname, nextTryAt: await heldBack(domainId, hostname) },
		update: {}
	});
	if (row.nextTryAt && row.nextTryAt > now()) return;
	const due = row.chain && !row.orderUrl ? renewalTime(factsOf(row.chain)) : null;
	if (due && due > now()) {
		await db.edgeCertificate.update({ where: { id: row.id }, data: { nextTryAt: due } });
		return;
	}
	// Without it the authority would only find somebody else's server, and count that.
	if (!leads && !domain.routedAt) return;
	try {
		const client = await acmeWithAccount({ subjectId: domainId, customerId: domain.customerId });
		const done = await advance(client, row);
		if (!done) {
			const startAfter = patience.againSeconds;
			const payload = { domainId, leads: true };
			await enqueue(db, 'domains.certificate', payload, { key: domainId, startAfter });
			return;
		}
		await transaction(async (tx) => {
			const { id, chain, privateKey, facts } = done;
			await tx.edgeCertificate.update({
				where: { id },
				data: {
					...{ chain, privateKey, issuer: facts.issuer, notAfter: facts.notAfter },
					...{ orderUrl: null, orderKey: null, failures: 0, error: null },
					nextTryAt: renewalTime(facts)
				}
			});
			await tx.acmeChallenge.deleteMany({ where: { hostname } });
			const { edgeServerId } = domain.tenant.baseDomain;
			if (edgeServerId) await requestEdge(tx, edgeServerId);
			await enqueue(
				tx,
				'domains.check',
				{ domainId, when: 'now' },
				{ key: domainId, priority: 10 }
			);
		});
	} catch (error) {
		if (!(error instanceof AcmeError || error instanceof Refusal)) throw error;
		await noteFailure(row, error);
		await enqueue(db, 'domains.check', { domainId, when: 'now' }, { key: domainId });
	}
}

/** The authority counts by name: who adds a domain again waits as long as before. */
async function heldBack(domainId: string, hostname: string): Promise<Date | null> {
	const earlier = await db.edgeCertificate.findFirst({
		where: {
			hostname,
			failures: { gt: 0 },
			nextTryAt: { gt: now() },
			customDomainId: { not: domainId }
		},
		orderBy: { nextTryAt: 'desc' },
		select: { nextTryAt: true }
	});
	return earlier?.nextTryAt ?? null;
}

interface Issued {
	id: string;
	chain: string;
	/** Envelope. */
	privateKey: string;
	facts: ReturnType<typeof factsOf>;
}

/** One order, from wherever it stands; null while the authority still works on it. */
async function advance(client: AcmeClient, row: EdgeCertificate): Promise<Issued | null> {
	const { order: first, envelope } = await orderOf(client, row);
	let order = first;
	const until = Date.now() + patience.waitMs;
	for (;;) {
		if (order.status === 'invalid') throw await refusalOf(client, order);
		if (order.status === 'valid') return issued(client, row, order, envelope);
		if (order.status === 'pending') await prove(client, row.hostname, order);
		if (order.status === 'ready') {
			const key = decrypt(envelope, keyContext(row.customDomainId));
			const { signingRequest } = await acmeLibrary();
			await client.finalize(order, await signingRequest(row.hostname, key));
		}
		if (Date.now() >= until) return null;
		order = await client.order(order.url);
		if (order.status === 'pending' || order.status === 'processing') await sleep(patience.pollMs);
	}
}

/** The order under way, or a new one: its key is stored before it exists, its address as soon as it is known. */
async function orderOf(
	client: AcmeClient,
	row: EdgeCertificate
): Promise<{ order: AcmeOrder; envelope: string }> {
	const where = { id: row.id };
	if (row.orderUrl && row.orderKey) {
		try {
			return { order: await client.order(row.orderUrl), envelope: row.orderKey };
		} catch (error) {
			// Too old, or of an authority that begins anew: so do we.
			if (!(error instanceof AcmeError) || error.code === 'accountDoesNotExist') throw error;
			if (error.kind !== 'not_found') throw error;
		}
	}
	const envelope = encrypt(newKey(), keyContext(row.customDomainId));
	await db.edgeCertificate.update({ where, data: { orderKey: envelope, orderUrl: null } });
	const order = await client.newOrder(row.hostname);
	await db.edgeCertificate.update({ where, data: { orderUrl: order.url } });
	return { order, envelope };
}

/** Puts the proof where the authority looks, then tells it to. */
async function prove(client: AcmeClient, hostname: string, order: AcmeOrder): Promise<void> {
	const challenges = await client.challenges(order);
	if (challenges.length === 0)
		throw new Refusal('unsupported', 'the authority offers no proof over HTTP');
	for (const challenge of challenges.filter(({ status }) => status === 'pending')) {
		const { token, keyAuthorization } = challenge;
		const facts = { hostname, keyAuthorization, expiresAt: new Date(now().getTime() + DAY) };
		await db.acmeChallenge.upsert({
			where: { token },
			create: { token, ...facts },
			update: facts
		});
		await client.answer(challenge);
	}
}

async function issued(
	client: AcmeClient,
	{ id, customDomainId, hostname }: EdgeCertificate,
	order: AcmeOrder,
	privateKey: string
): Promise<Issued> {
	const chain = await client.certificate(order);
	if (!fitsKey(chain, decrypt(privateKey, keyContext(customDomainId)), hostname))
		throw new Refusal('malformed', 'the authority sent a certificate for something else');
	return { id, chain, privateKey, facts: factsOf(chain) };
}

async function refusalOf(client: AcmeClient, order: AcmeOrder): Promise<Refusal> {
	const failed = (await client.challenges(order)).find(({ error }) => error !== null)?.error;
	if (failed) return new Refusal(failed.type, failed.detail);
	return new Refusal('invalid', order.error?.detail ?? 'the authority gives no reason');
}

/** Keeps what was said, as `type: detail`, and when to try again. */
async function noteFailure(row: EdgeCertificate, error: AcmeError | Refusal): Promise<void> {
	const at = now();
	const where = { id: row.id };
	if (error instanceof AcmeError && error.code === 'accountDoesNotExist') await forgetAccount();
	if (error instanceof AcmeError && error.kind === 'rate_limited') {
		const data = {
			error: `rateLimited: ${error.message}`,
			nextTryAt: afterLimit(at, error.retryAt)
		};
		await db.edgeCertificate.update({ where, data });
		return;
	}
	if (error instanceof AcmeError && error.kind !== 'refused') {
		const data = { error: `away: ${error.message}`, nextTryAt: afterSilence(at) };
		await db.edgeCertificate.update({ where, data });
		return;
	}
	const type = error instanceof Refusal ? error.type : (error.code ?? 'refused');
	const failures = row.failures + 1;
	await db.edgeCertificate.update({
		where,
		data: {
			...{ failures, error: `${type}: ${error.message}`, nextTryAt: afterFailure(at, failures) },
			// That order is spent.
			...{ orderUrl: null, orderKey: null }
		}
	});
}
