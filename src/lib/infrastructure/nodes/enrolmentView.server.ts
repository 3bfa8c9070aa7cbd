import type { Tx } from '#lib/core/db.server.ts';
import type { NodeEnrolment as Draft } from '#prisma/generated/client.ts';
import { databasesSchema } from '../containers/databases.ts';
import {
	findingsSchema,
	isEnough,
	isLookProblem,
	isTooOld,
	shownSchema,
	sshFindingsSchema,
	takesTokens,
	type Findings
} from './discovery.ts';
import { dormantClusters } from './enrolAgain.server.ts';
import { draftToken, findEnrolment } from './enrolments.server.ts';
import { authorizedKeysLine, hostKeyCommand, lookProblem, sshProblem } from './enrolmentWords.ts';
import { grantCommands, whyNeeded } from './privileges.ts';

/** Where in the wizard a draft is. */
export type EnrolmentStep = 'fingerprints' | 'findings' | 'done';

/** Drafts that somebody may go on with, newest first. */
export async function openEnrolments(tx: Tx) {
	const rows = await tx.nodeEnrolment.findMany({
		where: { nodeId: null },
		orderBy: { createdAt: 'desc' },
		take: 20,
		select: { id: true, apiUrl: true, confirmedAt: true, createdAt: true, createdById: true }
	});
	const people = await tx.user.findMany({
		where: { id: { in: rows.map(({ createdById }) => createdById) } },
		select: { id: true, email: true }
	});
	const emails = new Map(people.map(({ id, email }) => [id, email]));
	return rows.map(({ createdById, ...row }) => ({ ...row, by: emails.get(createdById) ?? null }));
}

/** Everything that the wizard shows of a draft; its token's secret never. @throws {AppError} NOT_FOUND */
export async function enrolmentView(tx: Tx, id: string) {
	const draft = await findEnrolment(tx, id);
	const token = draft.nodeId ? null : (draftToken(draft).split('=')[0] ?? null);
	const findings = findingsSchema.safeParse(draft.findings).data ?? null;
	const ssh = sshFindingsSchema.safeParse(draft.sshFindings).data ?? null;
	const shown = shownSchema.safeParse(draft.certificate).data ?? null;
	const step: EnrolmentStep = draft.nodeId
		? 'done'
		: draft.confirmedAt
			? 'findings'
			: 'fingerprints';
	const problem = isLookProblem(draft.error) ? draft.error : null;
	const { apiUrl, sshHost, sshPort, sshUser } = draft;
	return {
		id,
		step,
		access: { apiUrl, sshHost, sshPort, sshUser, token },
		shown: shown && {
			...shown,
			apiFingerprint: draft.apiFingerprint ?? '',
			sshHostKey: draft.sshHostKey ?? '',
			keyCommand: hostKeyCommand(shown.keyType)
		},
		problem: problem && { code: problem, sentence: lookProblem(problem) },
		ssh: ssh && {
			ok: ssh.ok,
			sentence: ssh.problem && sshProblem(ssh.problem),
			detail: ssh.detail,
			line: ssh.problem === 'refused' && ssh.publicKey ? authorizedKeysLine(ssh.publicKey) : null,
			at: ssh.at
		},
		findings: findings && (await findingsView(tx, draft, findings, token)),
		done: draft.nodeId ? await doneView(tx, draft.nodeId) : null
	};
}
export type EnrolmentView = Awaited<ReturnType<typeof enrolmentView>>;
export type FindingsView = NonNullable<EnrolmentView['findings']>;

async function findingsView(tx: Tx, draft: Draft, findings: Findings, token: string | null) {
	const { clusterId, guests, templates, missing, node } = findings;
	const cluster = clusterId
		? await tx.cluster.findUnique({
				where: { id: clusterId },
				select: { id: true, name: true, region: true, rootfsStorage: true }
			})
		: null;
	const booked = clusterId
		? await tx.container.findMany({
				where: { clusterId, status: { not: 'deleted' } },
				select: { vmid: true }
			})
		: [];
	const ignored = clusterId
		? await tx.ignoredGuest.findMany({ where: { clusterId }, select: { vmid: true } })
		: [];
	const inBooks = new Set(booked.map(({ vmid }) => vmid));
	const setAside = new Set(ignored.map(({ vmid }) => vmid));
	return {
		...findings,
		cluster,
		/** Where it may have been before; only while nobody can say where it belongs. */
		dormant: clusterId ? [] : await dormantClusters(tx, draft, node),
		/** What must be known of a node before it can be placed anywhere. */
		isEnough: isEnough(findings),
		tooOld: isTooOld(findings.version),
		consoleBySsh: !takesTokens(findings.version),
		missing: missing?.map((one) => ({ ...one, why: whyNeeded(one) })) ?? null,
		commands: missing && token ? grantCommands(token, missing) : [],
		guests:
			guests?.map((guest) => ({
				...guest,
				isKnown: inBooks.has(guest.vmid),
				isIgnored: setAside.has(guest.vmid)
			})) ?? null,
		templates: templates?.filter((one) => one.node === node) ?? null
	};
}

async function doneView(tx: Tx, nodeId: string) {
	const node = await tx.node.findUnique({
		where: { id: nodeId },
		select: {
			id: true,
			name: true,
			cluster: { select: { name: true } },
			containers: {
				where: { adopted: true, status: { not: 'deleted' } },
				orderBy: { vmid: 'asc' },
				select: { id: true, vmid: true, hostname: true, purpose: true, databases: true }
			}
		}
	});
	if (!node) return null;
	return {
		id: node.id,
		name: node.name,
		cluster: node.cluster.name,
		adopted: node.containers.map(({ databases, ...row }) => ({
			...row,
			found: databasesSchema.safeParse(databases).data?.databases.length ?? null
		}))
	};
}
