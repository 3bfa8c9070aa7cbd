import type { Sandbox } from '../../src/sandbox/sandbox.ts';

/** A customer at its registrar: what it sets there is in the sandbox's public DNS at once. */
export function registrar(sandbox: Pick<Sandbox, 'url'>) {
	const call = async (method: string, path: string, body?: object) => {
		const answer = await fetch(`${sandbox.url}/__sandbox/dns${path}`, {
			method,
			headers: { 'content-type': 'application/json' },
			...(body && { body: JSON.stringify(body) })
		});
		const said: unknown = await answer.json();
		if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(said)}`);
		return said;
	};
	return {
		/** @returns its id */
		set: async (type: string, name: string, content: string): Promise<string> => {
			const made = await call('POST', '/records', { type, name, content });
			return (made as { id: string }).id;
		},
		unset: (id: string) => call('DELETE', `/records/${id}`),
		/** How the zone behaves: `{ signed?: 'none' | 'fine' | 'broken', silent?: boolean }`. */
		zone: (name: string, facts: object) => call('POST', '/zones', { name, ...facts })
	};
}
