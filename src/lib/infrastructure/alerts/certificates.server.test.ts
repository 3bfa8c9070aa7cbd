import { expect, it } from 'vitest';
import { testContainers } from '../../../../tests/setup/containers.ts';
import { db } from '#lib/core/db.server.ts';
import { readNodeCertificates } from './certificates.server.ts';

await testContainers({ work: false });

it('notes until when the pinned certificate is valid, and nothing of another or of a node that is away', async () => {
	const [one, other, away] = await db.node.findMany({ orderBy: { name: 'asc' } });
	const strange = Array.from({ length: 32 }, () => 'AB').join(':');
	await db.node.update({ where: { id: other!.id }, data: { apiFingerprint: strange } });
	const known = new Date('2030-01-01T00:00:00Z');
	await db.node.update({
		where: { id: away!.id },
		data: { apiUrl: 'https://127.0.0.1:9', apiCertificateExpiresAt: known }
	});
	await readNodeCertificates();
	const expiry = async (id: string) =>
		(await db.node.findUniqueOrThrow({ where: { id } })).apiCertificateExpiresAt;
	expect((await expiry(one!.id))!.getTime()).toBeGreaterThan(Date.now());
	expect(await expiry(other!.id)).toBeNull();
	expect(await expiry(away!.id)).toEqual(known);
});
