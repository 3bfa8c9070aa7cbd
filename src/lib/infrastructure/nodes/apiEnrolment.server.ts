import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { fieldSentences } from '#lib/core/validation.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { NodeEnrolment } from '#prisma/generated/client.ts';
import { findingsSchema } from './discovery.ts';
import { finishEnrolment } from './enrolmentFinish.server.ts';
import { accessForm, finishForm, type AccessInput, type PlaceInput } from './enrolmentForms.ts';
import {
	beginEnrolment,
	confirmFingerprints,
	discardEnrolment,
	findEnrolment
} from './enrolments.server.ts';

/**
 * What `POST /api/nodes` takes: the access, both fingerprints as somebody compared them, and the cluster, which is the id of
 * one that is here, or `new` with what a new one needs. The rest is checked as the pages check it.
 */
export const nodeEnrolmentBody = z.looseObject({
	api_url: z.string(),
	/** `user@realm!id=secret` */
	api_token: z.string(),
	ssh_host: z.string().optional(),
	ssh_port: z.number().int().optional(),
	ssh_user: z.string().optional(),
	/** SHA-256 of the API's certificate, `AA:BB:…`. Without it, or with another, the answer says which one is shown. */
	api_fingerprint: z.string().max(200).optional(),
	/** `SHA256:…`, likewise. */
	ssh_host_key: z.string().max(200).optional(),
	cluster: z.string(),
	/** Goes on although the token lacks privileges. */
	accept_missing: z.boolean().default(false)
});

type Body = z.output<typeof nodeEnrolmentBody>;

/**
 * Enrols a node in one go, as the wizard does step by step. Nothing but the handshakes is made before the fingerprints
 * are known to be those that somebody compared; whatever is refused leaves no draft behind.
 * @throws {AppError} BAD_INPUT with the fields, those of the fingerprints say what is shown
 */
export async function enrolInOneGo(body: Body, by: Actor): Promise<{ nodeId: string }> {
	const { access, place } = parsed(body);
	const draft = await beginEnrolment(access, by);
	try {
		refuseUnconfirmed(draft, body);
		const { apiFingerprint, sshHostKey, id } = draft;
		await confirmFingerprints(id, { apiFingerprint: apiFingerprint!, sshHostKey: sshHostKey! }, by);
		const { findings } = await findEnrolment(db, id);
		const missing = findingsSchema.safeParse(findings).data?.missing;
		// SSH is what the first look at the node tells: only a worker can try it.
		const accepted = body.accept_missing || missing?.length === 0;
		return await finishEnrolment(id, { place, decisions: new Map(), accepted }, by);
	} catch (error) {
		await transaction((tx) => discardEnrolment(tx, draft.id)).catch(() => null);
		throw error;
	}
}

function parsed(body: Body): { access: AccessInput; place: PlaceInput } {
	const access = accessForm.safeParse(body);
	const finish = finishForm.safeParse(body);
	const fields = {
		...(access.error ? fieldSentences(access.error) : {}),
		...(finish.error ? fieldSentences(finish.error) : {})
	};
	if (!access.success || !finish.success) throw new AppError('BAD_INPUT', { fields });
	return { access: access.data, place: finish.data.place };
}

function refuseUnconfirmed(draft: NodeEnrolment, sent: Body): void {
	const fields: Record<string, string> = {};
	const compare = (field: string, given: string | undefined, shown: string | null) => {
		if (given !== shown) fields[field] = m.node_edit_differs({ shown: shown ?? '' });
	};
	compare('api_fingerprint', sent.api_fingerprint, draft.apiFingerprint);
	compare('ssh_host_key', sent.ssh_host_key, draft.sshHostKey);
	if (Object.keys(fields).length > 0) throw new AppError('BAD_INPUT', { fields });
}
