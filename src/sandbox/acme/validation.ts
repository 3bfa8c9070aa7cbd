import { request } from 'undici';
import { parseCaa } from '../dns/message.ts';
import { resolve } from '../dns/resolve.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { thumbprint } from './jws.ts';
import type { AccountState, AuthzState, Problem } from './state.ts';

/** How a CAA record names this authority: the sandbox plays Let's Encrypt. */
export const IDENTITY = 'letsencrypt.org';

/**
 * Looks whether who asked for a certificate holds the name: fetches the challenge over the public DNS and port 80, and
 * reads the CAA records.
 * @returns null when it does
 */
export async function validationProblem(
	kernel: Kernel,
	edgeUrl: string,
	account: AccountState,
	{ name, challenge }: AuthzState
): Promise<Problem | null> {
	const found = resolve(kernel, name, 'A');
	if (found.code !== 'NOERROR')
		return problem('dns', `DNS problem: ${found.code} looking up A for ${name}`);
	if (!found.answers.some(({ type }) => type === 'A'))
		return problem('dns', `no valid A records found for ${name}; no valid AAAA records found`);
	const path = `/.well-known/acme-challenge/${challenge.token}`;
	const url = `http://${name}${path}`;
	try {
		const answer = await request(`${edgeUrl.replace('localhost', '127.0.0.1')}${path}`, {
			// Says at which of its two ports the one edge of the sandbox is asked.
			headers: { host: name, 'x-forwarded-proto': 'http' },
			headersTimeout: 10_000
		});
		const text = (await answer.body.text()).trim();
		if (answer.statusCode !== 200)
			return problem('unauthorized', `Invalid response from ${url}: ${answer.statusCode}`, 403);
		const wanted = `${challenge.token}.${thumbprint(account.jwk)}`;
		if (text !== wanted)
			return problem(
				'unauthorized',
				`The key authorization file from the server did not match this challenge. Expected "${wanted}" (got "${text.slice(0, 80)}")`,
				403
			);
	} catch {
		return problem('connection', `Fetching ${url}: Connection reset by peer`);
	}
	return caaProblem(kernel, name);
}

/** RFC 8659: the set of the name itself or of the nearest one above it that has any. */
function caaProblem(kernel: Kernel, name: string): Problem | null {
	for (let at = name; at.includes('.'); at = at.slice(at.indexOf('.') + 1)) {
		const { code, answers } = resolve(kernel, at, 'CAA');
		if (code === 'SERVFAIL')
			return problem(
				'caa',
				`While processing CAA for ${name}: DNS problem: SERVFAIL looking up CAA for ${at}`,
				403
			);
		const records = answers.flatMap(({ type, content }) =>
			type === 'CAA' ? (parseCaa(content) ?? []) : []
		);
		if (records.length === 0) continue;
		const issue = records.filter(({ tag }) => tag === 'issue');
		const allowed = issue.some(({ value }) => value?.split(';')[0]?.trim() === IDENTITY);
		return issue.length === 0 || allowed
			? null
			: problem(
					'caa',
					`While processing CAA for ${name}: CAA record for ${at} prevents issuance`,
					403
				);
	}
	return null;
}

function problem(type: string, detail: string, status = 400): Problem {
	return { type, detail, status };
}
