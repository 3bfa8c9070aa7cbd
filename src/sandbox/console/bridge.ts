import type { Route, SandboxResponse } from '../kernel/http.ts';

/**
 * Lets the page's plain forms use the control API: `POST /do` with `_method`, `_path` and fields
 * (`name:number` and `name:bool` are converted) becomes the JSON call, then the browser goes back to `_back`.
 */
export function bridge(routes: Route[]): Route {
	return {
		method: 'POST',
		path: '/do',
		run: async (request): Promise<SandboxResponse> => {
			const form = new URLSearchParams(request.body.toString('utf8'));
			const method = form.get('_method') ?? 'POST';
			const path = form.get('_path') ?? '';
			const back = form.get('_back') ?? '';
			const fields = [...form].filter(([name, value]) => !name.startsWith('_') && value !== '');
			const answer = await call(routes, method, path, Object.fromEntries(fields.map(converted)));
			const failed = answer.status >= 400 ? reason(answer) : '';
			const query = failed ? `?error=${encodeURIComponent(failed)}` : '';
			return {
				status: 303,
				headers: { location: `/${query}#${encodeURIComponent(back)}` },
				body: null
			};
		}
	};
}

async function call(
	routes: Route[],
	method: string,
	path: string,
	body: object
): Promise<SandboxResponse> {
	for (const route of routes) {
		const params = route.method === method ? parametersOf(route.path, path) : null;
		if (!params) continue;
		const request = {
			method,
			path,
			query: new URLSearchParams(),
			headers: { 'content-type': 'application/json' },
			host: 'console',
			body: Buffer.from(JSON.stringify(body))
		};
		try {
			return await route.run(request, params);
		} catch (error) {
			return {
				status: 400,
				body: { error: error instanceof Error ? error.message : String(error) }
			};
		}
	}
	return { status: 404, body: { error: `no such control: ${method} ${path}` } };
}

function parametersOf(pattern: string, path: string): Record<string, string> | null {
	const wanted = pattern.split('/');
	const given = path.split('/');
	if (wanted.length !== given.length) return null;
	const params: Record<string, string> = {};
	for (const [index, part] of wanted.entries()) {
		const value = given[index] ?? '';
		if (part.startsWith(':')) params[part.slice(1)] = decodeURIComponent(value);
		else if (part !== value) return null;
	}
	return params;
}

function converted([field, value]: [string, string]): [string, string | number | boolean] {
	const [name = field, type] = field.split(':');
	if (type === 'number') return [name, Number(value)];
	return [name, type === 'bool' ? value === 'true' : value];
}

function reason(answer: SandboxResponse): string {
	return typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body).slice(0, 300);
}
