import { z } from 'zod';
import { cached } from '#lib/core/cache.server.ts';
import { decrypt, encrypt } from '#lib/core/crypto.server.ts';
import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { log } from '#lib/core/log.server.ts';
import type { AcmeClient } from '../../integrations/acme/acme.server.ts';
import { recorder, type CallContext } from '../../logs/calls.server.ts';
import { setting } from '../../settings/settings.server.ts';
import { newKey } from './certificateKey.ts';

/** Loaded when it is first needed: it is large, and most processes never order a certificate. */
export const acmeLibrary = () => import('../../integrations/acme/acme.server.ts');

/** Tests shorten it. */
export const patience: { requestMs?: number } = {};

/**
 * The authority with our account there, which is made at the first call: one a directory, whoever comes first.
 * @param trace what the recorded calls are filed under
 * @throws {AcmeError}
 */
export async function acmeWithAccount(trace: CallContext): Promise<AcmeClient> {
	const directoryUrl = env.ACME_DIRECTORY_URL;
	const context = `acme_account:${directoryUrl}`;
	// The key is stored before it is used: an account that was made is never lost.
	await db.acmeAccount.createMany({
		data: [{ directoryUrl, privateKey: encrypt(newKey(), context) }],
		skipDuplicates: true
	});
	const row = await db.acmeAccount.findUniqueOrThrow({ where: { directoryUrl } });
	const config = {
		...{ directoryUrl, accountKey: decrypt(row.privateKey, context) },
		...(patience.requestMs ? { timeoutMs: patience.requestMs } : {})
	};
	const { acme } = await acmeLibrary();
	if (row.accountUrl) return acme({ ...config, accountUrl: row.accountUrl }, recorder(trace));
	const contact = await setting('domains.acme_contact');
	const { url } = await acme({ ...config, accountUrl: null }, recorder(trace)).createAccount(
		contact || null
	);
	await db.acmeAccount.update({ where: { directoryUrl }, data: { accountUrl: url } });
	return acme({ ...config, accountUrl: url }, recorder(trace));
}

/** The authority knows our account no more: the next call makes it again, with the same key. */
export async function forgetAccount(): Promise<void> {
	await db.acmeAccount.updateMany({
		where: { directoryUrl: env.ACME_DIRECTORY_URL },
		data: { accountUrl: null }
	});
}

const DAY_SECONDS = 86_400;
/** So long nobody waits for an authority again that did not answer. */
const AWAY_MS = 60_000;
const DIRECTORY_MS = 2_000;
let awayUntil = 0;

/** Who issues certificates on our edge, as CAA records name it; empty while the authority does not say. */
export async function edgeAuthorities(): Promise<string[]> {
	const url = env.ACME_DIRECTORY_URL;
	if (Date.now() < awayUntil) return [];
	try {
		return await cached(`acme-caa:${url}`, DAY_SECONDS, z.array(z.string()), async () =>
			(await acmeLibrary()).caaIdentities(url, patience.requestMs ?? DIRECTORY_MS)
		);
	} catch (error) {
		// Only what a CAA record should say is unknown then; the authority says itself when one forbids it.
		log.warn({ err: error }, 'the certificate authority does not say its names');
		awayUntil = Date.now() + AWAY_MS;
		return [];
	}
}
