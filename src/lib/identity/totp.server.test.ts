import { decodeBase32IgnorePadding } from '@oslojs/encoding';
import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import '#lib/notifications/jobs.server.ts';
import { codeOf, createMember, sessionFor } from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import type { Auth } from './auth.ts';
import { resolveSession } from './sessions.server.ts';
import {
	beginTotp,
	checkSecondFactor,
	disableTotp,
	enableTotp,
	forgetBegunTotp,
	renewRecoveryCodes
} from './totp.server.ts';

await testDatabase();
await testQueue({ work: false });

const HERE = { ip: '10.1.0.1', userAgent: null, requestId: 'r' };

async function somebody(): Promise<{ auth: Auth; other: string; userId: string }> {
	const member = await createMember();
	const resolved = await resolveSession((await sessionFor(member)).token);
	if (!resolved) throw new Error('no session');
	return { auth: resolved.auth, other: (await sessionFor(member)).token, userId: member.id };
}

const check = (userId: string, code: string) =>
	transaction((tx) => checkSecondFactor(tx, userId, code, HERE));

describe('the second factor', () => {
	it('is enabled by a first code, ends other sessions, and takes each code once', async () => {
		const { auth, other, userId } = await somebody();
		const begun = await beginTotp(auth);
		expect(await beginTotp(auth)).toEqual(begun);
		expect(begun.uri).toContain(`secret=${begun.key}`);
		expect(Buffer.from(begun.qr.split(',')[1] ?? '', 'base64').toString()).toMatch(/^<svg/);
		const key = decodeBase32IgnorePadding(begun.key);
		expect(await check(userId, codeOf(key))).toBe(false);
		await expect(transaction((tx) => enableTotp(tx, auth, '000000', HERE))).rejects.toMatchObject({
			code: 'BAD_SECOND_FACTOR'
		});
		const codes = await transaction((tx) => enableTotp(tx, auth, codeOf(key, -1), HERE));
		expect(new Set(codes).size).toBe(10);
		expect(await resolveSession(other)).toBeNull();
		expect(await check(userId, codeOf(key, -1))).toBe(false);
		expect(await check(userId, codeOf(key))).toBe(true);
		expect(await check(userId, codeOf(key))).toBe(false);
		const stored = await db.userCredential.findUniqueOrThrow({ where: { userId } });
		expect(stored.totpSecret).toMatch(/^v1\./);
		await expect(beginTotp(auth)).rejects.toMatchObject({ code: 'WRONG_STATE' });
	});

	it('takes a code once also when it comes twice at the same time', async () => {
		const { auth, userId } = await somebody();
		const key = decodeBase32IgnorePadding((await beginTotp(auth)).key);
		await transaction((tx) => enableTotp(tx, auth, codeOf(key, -1), HERE));
		const results = await Promise.all([1, 2, 3].map(() => check(userId, codeOf(key))));
		expect(results.filter(Boolean)).toHaveLength(1);
	});

	it('takes a recovery code once, however it is typed, and no old one after new ones were made', async () => {
		const { auth, userId } = await somebody();
		const key = decodeBase32IgnorePadding((await beginTotp(auth)).key);
		const [first = '', second = ''] = await transaction((tx) =>
			enableTotp(tx, auth, codeOf(key), HERE)
		);
		expect(await check(userId, ` ${first.toUpperCase().replace('-', '')} `)).toBe(true);
		expect(await check(userId, first)).toBe(false);
		const [fresh = ''] = await transaction((tx) => renewRecoveryCodes(tx, auth, HERE));
		expect(await check(userId, second)).toBe(false);
		expect(await check((await somebody()).userId, fresh)).toBe(false);
		expect(await check(userId, fresh)).toBe(true);
		expect(
			await db.recoveryCode.findFirst({ where: { codeHash: { contains: fresh.slice(0, 5) } } })
		).toBeNull();
	});

	it('is given up when begun, and removed with its recovery codes', async () => {
		const { auth, userId } = await somebody();
		const begun = await beginTotp(auth);
		await forgetBegunTotp(auth);
		const again = await beginTotp(auth);
		expect(again.key).not.toBe(begun.key);
		const [code = ''] = await transaction((tx) =>
			enableTotp(tx, auth, codeOf(decodeBase32IgnorePadding(again.key)), HERE)
		);
		await forgetBegunTotp(auth);
		await transaction((tx) => disableTotp(tx, auth, HERE));
		expect(await check(userId, code)).toBe(false);
		expect(
			await db.auditEntry.count({
				where: { actorId: userId, action: { contains: 'second_factor' } }
			})
		).toBe(2);
	});
});
