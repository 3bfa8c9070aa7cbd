import { describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { PASSWORD, codeOf, createMember, createStaff } from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { answerChallenge, challenge, login, logout } from './login.server.ts';
import { resolveSession } from './sessions.server.ts';

await testDatabase();

let addresses = 0;
/** Every test comes from another address, so that limits count per test. */
const visitor = () => ({ ip: `10.0.0.${++addresses}`, userAgent: 'tests', requestId: 'r' });

describe('login', () => {
	it('opens a session of the side that was asked for', async () => {
		const member = await createMember('owner');
		const done = await login(
			{ email: member.email.toUpperCase(), password: PASSWORD, role: 'tenant' },
			visitor()
		);
		const resolved = await resolveSession(done.token);
		expect(done.redirectUrl).toBe('/tenant/portal');
		expect(resolved?.auth).toMatchObject({
			side: 'customer',
			role: 'owner',
			customer: { id: member.customerId }
		});
		expect(
			await db.auditEntry.count({ where: { action: 'identity.login', actorId: member.id } })
		).toBe(1);
	});

	it('answers a wrong address, a wrong password, the other side, a disabled person and one without password alike', async () => {
		const member = await createMember();
		const staff = await createStaff();
		const disabled = await createMember();
		const fresh = await createMember('owner', undefined, { password: false });
		await db.user.update({ where: { id: disabled.id }, data: { status: 'disabled' } });
		const attempts = [
			{ email: 'nobody@example.com', password: PASSWORD, role: 'tenant' },
			{ email: member.email, password: 'wrong', role: 'tenant' },
			{ email: member.email, password: PASSWORD, role: 'admin' },
			{ email: staff.email, password: PASSWORD, role: 'tenant' },
			{ email: disabled.email, password: PASSWORD, role: 'tenant' },
			{ email: fresh.email, password: 'nobody has this password', role: 'tenant' }
		] as const;
		for (const attempt of attempts) {
			await expect(login(attempt, visitor())).rejects.toMatchObject({ code: 'BAD_CREDENTIALS' });
		}
	});

	it('asks for the second factor after the password alone, and takes each code once', async () => {
		const staff = await createStaff();
		const given = { email: staff.email, password: PASSWORD, role: 'admin' } as const;
		await expect(login(given, visitor())).rejects.toMatchObject({ code: 'SECOND_FACTOR_NEEDED' });
		await expect(login({ ...given, totp: '000000' }, visitor())).rejects.toMatchObject({
			code: 'BAD_SECOND_FACTOR'
		});
		await expect(
			login({ ...given, password: 'wrong', totp: codeOf(staff.totpKey) }, visitor())
		).rejects.toMatchObject({
			code: 'BAD_CREDENTIALS'
		});
		const code = codeOf(staff.totpKey);
		const done = await login({ ...given, totp: code }, visitor());
		expect((await resolveSession(done.token))?.auth).toMatchObject({
			side: 'staff',
			secondFactorMissing: false
		});
		await expect(login({ ...given, totp: code }, visitor())).rejects.toMatchObject({
			code: 'BAD_SECOND_FACTOR'
		});
	});

	it('takes the code on a second page, once per password', async () => {
		const staff = await createStaff();
		const given = { email: staff.email, password: PASSWORD, role: 'admin' } as const;
		const { value } = await challenge(given, visitor());
		await expect(answerChallenge(value, '000000', visitor())).rejects.toMatchObject({
			code: 'BAD_SECOND_FACTOR'
		});
		const done = await answerChallenge(value, codeOf(staff.totpKey), visitor());
		expect(done.user.id).toBe(staff.id);
		await expect(answerChallenge(value, codeOf(staff.totpKey, 1), visitor())).rejects.toMatchObject(
			{ code: 'LINK_EXPIRED' }
		);
		await expect(answerChallenge('admin~nonsense', '1', visitor())).rejects.toMatchObject({
			code: 'LINK_EXPIRED'
		});
	});

	it('locks an account after five wrong passwords, from whatever address, and says for how long', async () => {
		const member = await createMember();
		const wrong = { email: member.email, password: 'wrong', role: 'tenant' } as const;
		for (let i = 0; i < 5; i++) {
			await expect(login(wrong, visitor())).rejects.toMatchObject({ code: 'BAD_CREDENTIALS' });
		}
		const refused = await login({ ...wrong, password: PASSWORD }, visitor()).catch(
			(error: unknown) => error
		);
		expect(refused).toMatchObject({ code: 'RATE_LIMITED', status: 429 });
		expect(refused).toMatchObject({ params: { seconds: expect.any(Number) } });
	});

	it('locks an address after thirty wrong passwords of different accounts, and counts right ones not', async () => {
		const from = visitor();
		const member = await createMember();
		await login({ email: member.email, password: PASSWORD, role: 'tenant' }, from);
		for (let i = 0; i < 30; i++) {
			const guess = { email: `guess${i}@example.com`, password: 'x', role: 'tenant' } as const;
			await expect(login(guess, from)).rejects.toMatchObject({ code: 'BAD_CREDENTIALS' });
		}
		await expect(
			login({ email: member.email, password: PASSWORD, role: 'tenant' }, from)
		).rejects.toMatchObject({
			code: 'RATE_LIMITED'
		});
	});

	it('ends the session at logout', async () => {
		const member = await createMember();
		const { token } = await login(
			{ email: member.email, password: PASSWORD, role: 'tenant' },
			visitor()
		);
		const resolved = await resolveSession(token);
		if (!resolved) throw new Error('no session');
		await logout(resolved.auth);
		expect(await resolveSession(token)).toBeNull();
	});
});
