import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { after, SECOND } from '#lib/core/clock.server.ts';
import { sha256 } from '#lib/core/crypto.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Auth } from '#lib/identity/auth.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { audit } from '#lib/logs/audit.server.ts';
import type { ConsoleSession } from '#prisma/generated/client.ts';
import { GONE_TENANTS } from '../placement/slots.server.ts';
import type { ConsoleEnd } from './consoleEnds.ts';
import type { ConsoleWay } from './consoleProtocol.ts';

/** So long a ticket is good, by the clock of the database. */
const TICKET_LASTS = 30 * SECOND;
/** So long one console lasts at most. */
export const LONGEST_HOURS = 4;
/** Consoles and unused tickets of one person. */
const MOST_PER_PERSON = 10;
/** A console whose process said nothing for so long has died with it; processes say something every third of it. */
export const SILENT_AFTER = 45 * SECOND;

/** Bytes that went through, never what they were. */
export interface Traffic {
	bytesIn: number;
	bytesOut: number;
}

/** What the audit log says a console was on. */
interface Place {
	containerId: string;
	hostname: string;
	vmid: number;
	node: string;
	tenants: string[];
	/** Of the tenant that has the container for itself. */
	customerId: string | null;
}

/**
 * A ticket that opens one console of this container, once and within 30 seconds, from the login that asks for it.
 * @returns the ticket, which is stored nowhere
 * @throws {AppError} NOT_FOUND, RATE_LIMITED
 */
export async function issueTicket(
	tx: Tx,
	auth: Auth,
	containerId: string,
	ip: string
): Promise<string> {
	// A token is no person at a keyboard.
	if (!auth.session) throw new AppError('FORBIDDEN');
	if (!z.uuid().safeParse(containerId).success) throw new AppError('NOT_FOUND');
	const container = await tx.container.findFirst({
		where: { id: containerId, deletedAt: null },
		select: { id: true, nodeId: true, vmid: true }
	});
	if (!container) throw new AppError('NOT_FOUND');
	const [{ at }] = await tx.$queryRaw<[{ at: Date }]>`SELECT now()::timestamptz(3) AS at`;
	const held = await tx.consoleSession.count({
		where: {
			userId: auth.user.id,
			endedAt: null,
			OR: [{ openedAt: { not: null } }, { expiresAt: { gt: at } }]
		}
	});
	if (held >= MOST_PER_PERSON) throw new AppError('RATE_LIMITED', { params: { seconds: 30 } });
	const ticket = randomBytes(32).toString('base64url');
	await tx.consoleSession.create({
		data: {
			ticketHash: hashOf(ticket),
			userId: auth.user.id,
			userLabel: auth.user.email,
			loginId: auth.session.id,
			nodeId: container.nodeId,
			containerId: container.id,
			vmid: container.vmid,
			ip,
			createdAt: at,
			expiresAt: after(at, TICKET_LASTS)
		},
		select: { id: true }
	});
	return ticket;
}

/**
 * Uses a ticket up, and notes that a console opens before anything is sent to the node.
 * @returns null when it is unknown, used, too old, or another login's
 */
export function redeemTicket(
	ticket: string,
	auth: Auth,
	ip: string
): Promise<ConsoleSession | null> {
	return transaction(async (tx) => {
		if (!auth.session) return null;
		const [found] = await tx.$queryRaw<{ id: string }[]>`
			UPDATE console_sessions SET opened_at = now(), seen_at = now(), ip = ${ip}
			WHERE ticket_hash = ${hashOf(ticket)} AND user_id = ${auth.user.id}::uuid AND login_id = ${auth.session.id}
				AND opened_at IS NULL AND ended_at IS NULL AND expires_at > now()
			RETURNING id`;
		if (!found) return null;
		const session = await tx.consoleSession.findUniqueOrThrow({ where: { id: found.id } });
		const place = await placeOf(tx, session);
		await audit(tx, {
			actor: actorOf(auth),
			action: 'infrastructure.console-open',
			subject: { type: 'container', id: session.containerId },
			customerId: place?.customerId,
			after: { console: session.id, ...shown(place) },
			ip
		});
		return session;
	});
}

/** Notes that a console ended and how much went through; once, whoever says it first. @param via null: it never opened */
export async function endConsole(
	session: ConsoleSession,
	reason: ConsoleEnd,
	via: ConsoleWay | null,
	traffic: Traffic | null
): Promise<void> {
	await transaction(async (tx) => {
		const [ended] = await tx.$queryRaw<{ seconds: number }[]>`
			UPDATE console_sessions SET ended_at = now(), end_reason = ${reason}, via = ${via}
			WHERE id = ${session.id}::uuid AND ended_at IS NULL
			RETURNING round(extract(epoch FROM CASE WHEN ${reason} = 'vanished' THEN seen_at ELSE now() END - opened_at))::int
				AS seconds`;
		if (!ended) return;
		const place = await placeOf(tx, session);
		await audit(tx, {
			actor: { kind: 'staff', id: session.userId, label: session.userLabel },
			action: 'infrastructure.console-end',
			subject: { type: 'container', id: session.containerId },
			customerId: place?.customerId,
			after: {
				console: session.id,
				...shown(place),
				reason,
				via,
				seconds: ended.seconds,
				...traffic
			},
			ip: session.ip
		});
	});
}

/** Says that the process that serves them is alive. @returns those that were given up meanwhile */
export async function noteAlive(ids: string[]): Promise<string[]> {
	const alive = await db.$queryRaw<{ id: string }[]>`
		UPDATE console_sessions SET seen_at = now() WHERE id = ANY(${ids}::uuid[]) AND ended_at IS NULL
		RETURNING id`;
	return ids.filter((id) => !alive.some((one) => one.id === id));
}

/** Ends the consoles whose process died, and forgets tickets that nobody used. */
export async function reapConsoles(): Promise<void> {
	await db.$executeRaw`DELETE FROM console_sessions WHERE opened_at IS NULL AND expires_at < now() - interval '1 day'`;
	const silent = await db.$queryRaw<{ id: string }[]>`
		SELECT id FROM console_sessions
		WHERE ended_at IS NULL AND seen_at < now() - make_interval(secs => ${SILENT_AFTER / SECOND})`;
	for (const { id } of silent) {
		const session = await db.consoleSession.findUniqueOrThrow({ where: { id } });
		await endConsole(session, 'vanished', null, null);
	}
}

function hashOf(ticket: string): string {
	return sha256(ticket).toString('base64url');
}

async function placeOf(tx: Tx, { containerId }: ConsoleSession): Promise<Place | null> {
	if (!containerId) return null;
	const container = await tx.container.findUnique({
		where: { id: containerId },
		select: {
			hostname: true,
			vmid: true,
			slots: true,
			node: { select: { name: true } },
			tenants: {
				where: { status: { notIn: [...GONE_TENANTS] } },
				select: { slug: true, customerId: true },
				orderBy: { slug: 'asc' }
			}
		}
	});
	if (!container) return null;
	const { hostname, vmid, node, tenants, slots } = container;
	const only = slots === 1 && tenants.length === 1 ? tenants[0] : undefined;
	return {
		containerId,
		hostname,
		vmid,
		node: node.name,
		tenants: tenants.map(({ slug }) => slug),
		customerId: only?.customerId ?? null
	};
}

function shown(place: Place | null) {
	if (!place) return {};
	const { hostname, vmid, node, tenants } = place;
	return { hostname, vmid, node, tenants };
}
