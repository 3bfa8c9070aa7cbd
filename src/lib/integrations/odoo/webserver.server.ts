import { malformed, parseJson, rpcSchema } from './answers.ts';
import { checked } from './database-name.ts';
import { OdooError } from './errors.ts';
import type { PostgresTools } from './postgres.server.ts';

const HTTP_SECONDS = 30;

/** What the running server answers, asked on the loopback inside. */
export function serverOf({ call, exec, read }: PostgresTools) {
	return {
		/** The user's id when login and password are right, else false: asked of the running server, on the loopback inside. */
		authenticate: (database: string, login: string, password: string) =>
			call('login', false, database, { login }, async () => {
				const request = {
					jsonrpc: '2.0',
					method: 'call',
					id: 1,
					params: {
						service: 'common',
						method: 'authenticate',
						args: [checked(database), login, password, {}]
					}
				};
				const argv = [
					'curl',
					'-sS',
					'-m',
					String(HTTP_SECONDS),
					'-H',
					'Content-Type: application/json',
					'--data-binary',
					'@-',
					'http://127.0.0.1:8069/jsonrpc'
				];
				const text = await read('login', argv, HTTP_SECONDS + 5, JSON.stringify(request));
				const answer = rpcSchema.safeParse(parseJson(text));
				if (!answer.success) throw malformed('login', text);
				if (answer.data.error)
					throw new OdooError({
						operation: 'login',
						kind: 'failed',
						message: (answer.data.error.data?.message ?? answer.data.error.message).slice(0, 300),
						retryable: true
					});
				return answer.data.result ?? false;
			}),
		/** The web server inside answers its health page. */
		healthy: () =>
			call('health', false, '', {}, async () => {
				const argv = ['curl', '-sS', '-f', '-m', '5', 'http://127.0.0.1:8069/web/health'];
				return (await exec(argv, { timeoutMs: 10_000, changes: false })).code === 0;
			})
	};
}
