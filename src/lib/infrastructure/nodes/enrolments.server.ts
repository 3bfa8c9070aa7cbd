import { after, DAY, now } from '#lib/core/clock.server.ts';
import { decrypt, encrypt } from '#lib/core/crypto.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import { proxmox } from '#lib/integrations/proxmox/proxmox.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { Prisma, type NodeEnrolment } from '#prisma/generated/client.ts';
import { recorderOf } from './clients.server.ts';
import type { Findings, LookProblem, Shown } from './discovery.ts';
import { discover } from './discovery.server.ts';
import type { AccessInput, ChangedAccessInput } from './enrolmentForms.ts';
import { showFingerprints, type Fingerprints } from './fingerprints.server.ts';
import { sameHost } from './sameHost.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.look-over-ssh': { enrolmentId: string };
	}
}

/** How long what was typed is kept for somebody to go on with. */
const KEPT = DAY;
/** One request to the node; a token that is refused is answered after three seconds. */
export const patience = { requestMs: 6_000 };

/** What binds the token of a draft to its row. */
function draftContext(enrolmentId: string): string {
	return `node-enrolment:${enrolmentId}:api_token`;
}

export function draftToken({ id, apiToken }: Pick<NodeEnrolment, 'id' | 'apiToken'>): string {
	return decrypt(apiToken, draftContext(id));
}

/**
 * Begins to enrol a node: keeps what was typed, the token encrypted, and what the node's two servers show. Nothing of
 * ours is sent to them.
 * @throws {AppError} BAD_INPUT beside the field that leads nowhere, or to a node that is enrolled
 */
export async function beginEnrolment(input: AccessInput, by: Actor): Promise<NodeEnrolment> {
	await refuseEnrolled(input.apiUrl);
	const shown = await showFingerprints(input);
	await refuseSame(db, shownBy(shown), 'ssh_host');
	const { apiToken, ...place } = input;
	return transaction(async (tx) => {
		const data = { ...place, ...(await seen(tx, place, shown)), createdById: by.id! };
		const { id } = await tx.nodeEnrolment.create({ data: { ...data, apiToken: '' } });
		await audit(tx, {
			actor: by,
			action: 'infrastructure.begin-enrolment',
			subject: { type: 'node-enrolment', id },
			after: { api_url: place.apiUrl, ssh_host: place.sshHost }
		});
		return tx.nodeEnrolment.update({
			where: { id },
			data: { apiToken: encrypt(apiToken, draftContext(id)) }
		});
	});
}

/**
 * Takes other access, or looks again at the same: what was confirmed and found is confirmed and found anew.
 * @throws {AppError} NOT_FOUND, BAD_INPUT
 */
export async function reviseEnrolment(id: string, input: ChangedAccessInput): Promise<void> {
	const draft = await findEnrolment(db, id);
	await refuseEnrolled(input.apiUrl);
	const shown = await showFingerprints(input);
	await refuseSame(db, shownBy(shown), 'ssh_host');
	const { apiToken, ...place } = input;
	await transaction(async (tx) => {
		const found = await seen(tx, place, shown, draft);
		const isSame =
			found.apiFingerprint === draft.apiFingerprint &&
			found.sshHostKey === draft.sshHostKey &&
			place.apiUrl === draft.apiUrl &&
			place.sshHost === draft.sshHost &&
			place.sshPort === draft.sshPort;
		await changeOpen(tx, id, {
			...place,
			...found,
			// Who was compared already need not be compared again when only the token is another.
			...(isSame ? {} : { confirmedAt: null }),
			...(apiToken === null ? {} : { apiToken: encrypt(apiToken, draftContext(id)) }),
			findings: Prisma.DbNull,
			sshFindings: Prisma.DbNull,
			error: null
		});
	});
	const revised = await findEnrolment(db, id);
	if (revised.confirmedAt) await lookAgain(id);
}

/**
 * Somebody compared both fingerprints: they are pinned from here on, and the node is asked, with the token for the first
 * time.
 * @param shown what the person's page said; another means that it was looked at anew in between
 * @throws {AppError} NOT_FOUND, CHANGED_MEANWHILE, BAD_INPUT when it is a node that is enrolled
 */
export async function confirmFingerprints(
	id: string,
	shown: { apiFingerprint: string; sshHostKey: string },
	by: Actor
): Promise<void> {
	await transaction(async (tx) => {
		const draft = await findEnrolment(tx, id);
		if (draft.apiFingerprint !== shown.apiFingerprint || draft.sshHostKey !== shown.sshHostKey)
			throw new AppError('CHANGED_MEANWHILE');
		await refuseSame(tx, shown, 'compared');
		await changeOpen(tx, id, { confirmedAt: now() });
		await audit(tx, {
			actor: by,
			action: 'infrastructure.confirm-fingerprints',
			subject: { type: 'node-enrolment', id },
			after: { api_url: draft.apiUrl, certificate: shown.apiFingerprint, ssh: shown.sshHostKey }
		});
	});
	await lookAgain(id);
}

/** Asks the node, and has a worker look over SSH. @throws {AppError} NOT_FOUND; WRONG_STATE before it is confirmed */
export async function lookAgain(id: string): Promise<void> {
	await transaction(async (tx) => {
		await changeOpen(tx, id, { sshFindings: Prisma.DbNull });
		await enqueue(tx, 'infrastructure.look-over-ssh', { enrolmentId: id });
	});
	const found = await lookOverApi(await findEnrolment(db, id));
	await transaction(async (tx) => {
		await changeOpen(
			tx,
			id,
			typeof found === 'string' ? { error: found } : { findings: found, error: null }
		);
		await publish(tx, 'staff:nodes', id);
	});
}

/**
 * What the node says now, or why it says nothing.
 * @param chosen VMIDs that are to be adopted
 * @throws {AppError} WRONG_STATE before its certificate is confirmed
 */
export async function lookOverApi(
	draft: NodeEnrolment,
	chosen: ReadonlySet<number> = new Set()
): Promise<Findings | LookProblem> {
	if (!draft.confirmedAt || !draft.apiFingerprint)
		throw new AppError('WRONG_STATE', { params: { from: 'unconfirmed', to: 'confirmed' } });
	const client = proxmox(
		{
			baseUrl: draft.apiUrl,
			token: draftToken(draft),
			fingerprint: draft.apiFingerprint,
			timeoutMs: patience.requestMs
		},
		recorderOf({ subjectId: draft.id })
	);
	try {
		return await discover(client, chosen);
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		if (error.kind === 'unauthorized' || error.kind === 'untrusted') return error.kind;
		const isAway = error.kind === 'unreachable' || error.kind === 'lost';
		return isAway || error.kind === 'node_unreachable' ? 'unreachable' : 'no_proxmox';
	}
}

/** Forgets a draft with its token. @throws {AppError} NOT_FOUND */
export async function discardEnrolment(tx: Tx, id: string): Promise<void> {
	const { count } = await tx.nodeEnrolment.deleteMany({ where: { id, nodeId: null } });
	if (count === 0) throw new AppError('NOT_FOUND');
	await publish(tx, 'staff:nodes', id);
}

/** Forgets drafts that nobody went on with, and those that became nodes, with their tokens. */
export async function forgetOldEnrolments(): Promise<void> {
	await db.nodeEnrolment.deleteMany({ where: { updatedAt: { lt: after(now(), -KEPT) } } });
}

/** @throws {AppError} NOT_FOUND */
export async function findEnrolment(tx: Tx, id: string): Promise<NodeEnrolment> {
	const draft = await tx.nodeEnrolment.findUnique({ where: { id } });
	if (!draft) throw new AppError('NOT_FOUND');
	return draft;
}

/** @throws {AppError} NOT_FOUND; WRONG_STATE once it is a node */
async function changeOpen(
	tx: Tx,
	id: string,
	data: Prisma.NodeEnrolmentUpdateManyMutationInput
): Promise<void> {
	const { count } = await tx.nodeEnrolment.updateMany({ where: { id, nodeId: null }, data });
	if (count === 1) return;
	await findEnrolment(tx, id);
	throw new AppError('WRONG_STATE', { params: { from: 'enrolled', to: 'draft' } });
}

async function refuseEnrolled(apiUrl: string): Promise<void> {
	const node = await db.node.findFirst({
		where: { apiUrl, removedAt: null },
		select: { name: true }
	});
	if (node)
		throw new AppError('BAD_INPUT', { fields: { api_url: m.enrol_known({ name: node.name }) } });
}

/** @throws {AppError} BAD_INPUT beside a field: under another address it is enrolled */
async function refuseSame(
	tx: Tx,
	shows: { apiFingerprint: string; sshHostKey: string },
	field: string
): Promise<void> {
	const sentence = await sameHost(tx, { ...shows, name: null });
	if (sentence) throw new AppError('BAD_INPUT', { fields: { [field]: sentence } });
}

function shownBy({ api, ssh }: Fingerprints) {
	return { apiFingerprint: api.fingerprint, sshHostKey: ssh.fingerprint };
}

/** What both servers showed, with what the same addresses had shown before where that was something else. */
async function seen(
	tx: Tx,
	place: { apiUrl: string; sshHost: string; sshPort: number },
	{ api, ssh }: Fingerprints,
	draft?: NodeEnrolment
) {
	const { fingerprint, ...certificate } = api;
	const { sshHost, sshPort } = place;
	const [node, earlier] = [
		await tx.node.findFirst({
			where: { sshHost, sshPort, sshHostKey: { not: ssh.fingerprint } },
			select: { sshHostKey: true }
		}),
		await tx.nodeEnrolment.findFirst({
			where: { sshHost, sshPort, confirmedAt: { not: null }, sshHostKey: { not: ssh.fingerprint } },
			orderBy: { confirmedAt: 'desc' },
			select: { sshHostKey: true }
		})
	];
	const otherCertificate = await tx.nodeEnrolment.findFirst({
		where: {
			apiUrl: place.apiUrl,
			confirmedAt: { not: null },
			apiFingerprint: { not: fingerprint }
		},
		orderBy: { confirmedAt: 'desc' },
		select: { apiFingerprint: true }
	});
	const isOther = (before: string | null | undefined, shown: string) =>
		before && before !== shown ? before : null;
	const shown: Shown = {
		...certificate,
		keyType: ssh.type,
		before: {
			api:
				isOther(draft?.apiUrl === place.apiUrl ? draft.apiFingerprint : null, fingerprint) ??
				otherCertificate?.apiFingerprint ??
				null,
			ssh:
				isOther(
					draft?.sshHost === sshHost && draft.sshPort === sshPort ? draft.sshHostKey : null,
					ssh.fingerprint
				) ??
				node?.sshHostKey ??
				earlier?.sshHostKey ??
				null
		}
	};
	return { apiFingerprint: fingerprint, sshHostKey: ssh.fingerprint, certificate: shown };
}
