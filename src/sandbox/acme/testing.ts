import { generateKeyPairSync } from 'node:crypto';
import acme from 'acme-client';
import { issue, newAuthority } from './authority.ts';

/** PEM of a request as its DER bytes. */
export function derOf(pem: string): Buffer {
	return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
}

/** A certificate of a new test authority with its key, in PEM. @param days how long it holds */
export async function testCertificate(
	names: string[],
	days = 90,
	from = new Date()
): Promise<{ chain: string; key: string; notAfter: Date }> {
	const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
	const [, csr] = await acme.crypto.createCsr({ altNames: names }, key);
	const notAfter = new Date(from.getTime() + days * 86_400_000);
	const chain = await issue(await newAuthority(from.getTime()), {
		csr: derOf(csr.toString()),
		...{ names, notBefore: from, notAfter }
	});
	if (!chain) throw new Error('the test authority refused');
	return { chain, key, notAfter };
}
