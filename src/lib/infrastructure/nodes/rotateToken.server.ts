import { decrypt, encrypt } from '#lib/core/crypto.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { NodeCredential } from '#prisma/generated/client.ts';
import { clientOf } from './clients.server.ts';
import { tokenContext } from './enrol.server.ts';
import { readHealth } from './health.ts';
import { findNode, lockedNode, requestLook } from './oneNode.server.ts';
import { missingPrivileges, type MissingPrivilege } from './privileges.ts';

/** How long the node may take to say what a token may; a wrong one takes it three seconds. */
const TIMEOUT_MS = 10_000;

/** It did not replace the one in use: this is what it lacks of what that one has. */
export interface LesserToken {
	/** `user@realm!id` */
	account: string;
	lacks: MissingPrivilege[];
}

/**
 * Puts another API token in the place of a node's own, once the node has said that it accepts it and what it may: one that
 * may less than the one in use changes nothing. The old one is for staff to revoke in Proxmox.
 * @param token `user@realm!id=secret`
 * @returns null when it is in use now
 * @throws {AppError} NOT_FOUND; BAD_INPUT when it is not accepted
 * @throws {ProxmoxError} when the node does not answer
 */
export async function rotateToken(
	id: string,
	token: string,
	by: Actor
): Promise<LesserToken | null> {
	const node = await findNode(db, id);
	const account = accountOf(token);
	const missing = missingPrivileges(await permissionsOf(node, token));
	const known = readHealth(node.health)?.privileges.missing ?? [];
	const lacks = missing.filter(
		({ name, path }) => !known.some((one) => one.name === name && one.path === path)
	);
	if (lacks.length > 0) return { account, lacks };
	await transaction(async (tx) => {
		await lockedNode(tx, id);
		const before = await tx.nodeCredential.findUnique({ where: { nodeId: id } });
		const apiToken = encrypt(token, tokenContext(id));
		await tx.nodeCredential.upsert({
			where: { nodeId: id },
			create: { nodeId: id, apiToken },
			update: { apiToken }
		});
		await audit(tx, {
			actor: by,
			action: 'infrastructure.rotate-token',
			subject: { type: 'node', id },
			before: before ? { account: storedAccount(before) } : undefined,
			after: { account }
		});
		await publish(tx, 'staff:nodes', id);
		await requestLook(tx, id);
	});
	return null;
}

async function permissionsOf(node: Parameters<typeof clientOf>[0], token: string) {
	try {
		const client = clientOf(node, {}, { timeoutMs: TIMEOUT_MS, isLook: true, token });
		return await client.permissions();
	} catch (error) {
		if (error instanceof ProxmoxError && error.kind === 'unauthorized')
			throw new AppError('BAD_INPUT', { fields: { api_token: m.node_token_refused() } });
		throw error;
	}
}

/** Of the token that is stored; null when it cannot be read any more. */
export function storedAccount({ nodeId, apiToken }: NodeCredential): string | null {
	try {
		return accountOf(decrypt(apiToken, tokenContext(nodeId)));
	} catch {
		return null;
	}
}

/** `user@realm!id`, which may be shown. */
export function accountOf(token: string): string {
	return token.split('=')[0] ?? '';
}
