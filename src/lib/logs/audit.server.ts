import { sha256 } from '#lib/core/crypto.server.ts';
import { type Tx, db, lock } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { storable } from './json.server.ts';

export interface Actor {
	kind: 'staff' | 'member' | 'token' | 'visitor' | 'system';
	/** User id; null for a visitor and for the system. */
	id: string | null;
	/** What a person reads: an email address, `system`. */
	label: string;
	/** Whom staff act as while impersonating. */
	actingAsId?: string;
}

export interface AuditInput {
	actor: Actor;
	/** `area.verb`: `tenants.suspend`, `identity.login`. */
	action: string;
	subject: { type: string; id?: string | null };
	customerId?: string | null;
	before?: unknown;
	after?: unknown;
	requestId?: string | null;
	ip?: string | null;
}

/** What jobs act as. */
export const SYSTEM: Actor = { kind: 'system', id: null, label: 'system' };

/** Notes who did what, in the transaction that does it. Secrets are stripped. Needs the owner's role (`asOwner`). */
export async function audit(tx: Tx, entry: AuditInput): Promise<void> {
	await tx.auditEntry.create({
		data: {
			actorKind: entry.actor.kind,
			actorId: entry.actor.id,
			actorLabel: entry.actor.label,
			actingAsId: entry.actor.actingAsId ?? null,
			action: entry.action,
			subjectType: entry.subject.type,
			subjectId: entry.subject.id ?? null,
			customerId: entry.customerId ?? null,
			before: storable(entry.before),
			after: storable(entry.after),
			requestId: entry.requestId ?? null,
			ip: entry.ip ?? null
		},
		select: { id: true }
	});
}

interface Sealable {
	id: string;
	canonical: string;
}

const BATCH = 1_000;
/** `previous_hash` of the first entry. */
const GENESIS = '0'.repeat(64);

// Named columns, so that a column added later changes no old hash; PostgreSQL's own text of them, so that no client rounds.
const CANONICAL = Prisma.sql`jsonb_build_object(
	'id', a.id, 'at', to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	'actor_kind', a.actor_kind, 'actor_id', a.actor_id, 'actor_label', a.actor_label, 'acting_as_id', a.acting_as_id,
	'customer_id', a.customer_id, 'action', a.action, 'subject_type', a.subject_type, 'subject_id', a.subject_id,
	'before', a.before, 'after', a.after, 'ip', a.ip, 'request_id', a.request_id)::text`;

/**
 * Gives every entry whose transaction has surely ended its place in the chain: sequence, hash of the one before, own
 * hash. An entry of a transaction that still runs would otherwise get in between later.
 * @returns how many were sealed
 */
export async function sealAudit(): Promise<number> {
	let sealed = 0;
	for (;;) {
		const count = await db.$transaction(sealBatch);
		sealed += count;
		if (count < BATCH) return sealed;
	}
}

async function sealBatch(tx: Tx): Promise<number> {
	await lock(tx, 'logs.seal-audit');
	const head = await tx.auditEntry.findFirst({
		where: { sequence: { not: null } },
		orderBy: { sequence: 'desc' },
		select: { sequence: true, hash: true }
	});
	const rows = await tx.$queryRaw<Sealable[]>`
		SELECT a.id, ${CANONICAL} AS canonical
		FROM audit_log a
		WHERE a.sequence IS NULL AND a.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
		ORDER BY a.xid, a.id
		LIMIT ${BATCH}`;
	if (rows.length === 0) return 0;

	let sequence = head?.sequence ?? 0n;
	let previous = head?.hash ?? GENESIS;
	const links = rows.map(({ id, canonical }) => {
		const link = {
			id,
			sequence: String(++sequence),
			previous,
			hash: linkHash(sequence, previous, canonical)
		};
		previous = link.hash;
		return link;
	});
	await tx.$executeRaw`
		UPDATE audit_log a SET sequence = l.sequence, previous_hash = l.previous, hash = l.hash
		FROM jsonb_to_recordset(${JSON.stringify(links)}::jsonb) AS l(id uuid, sequence bigint, previous text, hash text)
		WHERE a.id = l.id`;
	return rows.length;
}

export type Verdict =
	| { intact: true; count: number; head: string }
	| { intact: false; count: number; brokenAt: bigint; reason: 'gap' | 'link' | 'content' };

interface SealedRow extends Sealable {
	sequence: bigint;
	previous_hash: string | null;
	hash: string | null;
}

/** Walks the whole chain. `head` of an earlier walk, kept elsewhere, would also show a cut-off end. */
export async function verifyAudit(): Promise<Verdict> {
	let expected = 1n;
	let previous = GENESIS;
	for (;;) {
		const rows = await db.$queryRaw<SealedRow[]>`
			SELECT a.id, a.sequence, a.previous_hash, a.hash, ${CANONICAL} AS canonical
			FROM audit_log a WHERE a.sequence >= ${expected} ORDER BY a.sequence LIMIT ${BATCH}`;
		for (const row of rows) {
			const broken = (reason: 'gap' | 'link' | 'content'): Verdict => ({
				intact: false,
				count: Number(expected - 1n),
				brokenAt: expected,
				reason
			});
			if (row.sequence !== expected) return broken('gap');
			if (row.previous_hash !== previous) return broken('link');
			if (row.hash !== linkHash(row.sequence, previous, row.canonical)) return broken('content');
			previous = row.hash;
			expected++;
		}
		if (rows.length < BATCH) return { intact: true, count: Number(expected - 1n), head: previous };
	}
}

function linkHash(sequence: bigint, previous: string, canonical: string): string {
	return sha256(`${sequence}\n${previous}\n${canonical}`).toString('hex');
}
