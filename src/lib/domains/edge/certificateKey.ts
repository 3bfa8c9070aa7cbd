import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';

/** A new private key on P-256, in PEM. */
export function newKey(): string {
	const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Whether a chain's leaf is for a name and belongs to a key. @throws {Error} when one of them is none */
export function fitsKey(chain: string, key: string, hostname: string): boolean {
	const leaf = new X509Certificate(chain);
	return leaf.checkHost(hostname) !== undefined && leaf.checkPrivateKey(createPrivateKey(key));
}
