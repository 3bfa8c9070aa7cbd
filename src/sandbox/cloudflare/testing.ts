import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Cloudflare from 'cloudflare';
import { afterAll } from 'vitest';
import type { Route, SandboxResponse } from '../kernel/http.ts';
import { Kernel } from '../kernel/kernel.ts';
import { isObject } from './envelope.ts';
import { cloudflareControlRoutes } from './control.ts';
import { startCloudflare } from './server.ts';

// Beside a checkout of the whole project; without it the answers are checked by the tests' own words only.
const SPEC = new URL('../../../../shared/specs/cloudflare.openapi.json', import.meta.url);

type Check = (method: string, path: string, status: number, body: unknown) => string | null;

/** Says what an answer breaks of Cloudflare's API description; null when it breaks nothing. */
function loadContract(): Check {
	if (!existsSync(SPEC)) return () => null;
	const spec: { paths: Record<string, object> } = JSON.parse(readFileSync(SPEC, 'utf8'));
	const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
	ajv.addSchema(spec, 'cloudflare');
	const paths = Object.keys(spec.paths)
		.map((path) => ({ path, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`) }))
		// A fixed segment (`fallback_origin`) before a parameter in its place.
		.sort((a, b) => Number(a.path.endsWith('}')) - Number(b.path.endsWith('}')));
	return (method, path, status, body) => {
		const found = paths.find(({ pattern }) => pattern.test(path));
		if (!found) return null;
		const code = status < 400 ? '200' : '4XX';
		const pointer = [found.path, method.toLowerCase(), 'responses', code, 'content']
			.concat('application/json', 'schema')
			.map((part) => encodeURIComponent(part.replace(/~/g, '~0').replace(/\//g, '~1')));
		const validate = ajv.compile({ $ref: `cloudflare#/paths/${pointer.join('/')}` });
		if (validate(body) || validate(asDescribed(body))) return null;
		return `${method} ${path}: ${ajv.errorsText(validate.errors).slice(0, 500)}`;
	};
}

/**
 * The description is made from the SDK's types, which are wrong in two places: they leave out that a field may be
 * null (as the texts beside them say), and they demand a hostname on the catch-all rule, which must have none.
 */
function asDescribed(body: unknown): unknown {
	const mended = (value: unknown): unknown => {
		if (Array.isArray(value)) return value.map(mended);
		if (!isObject(value)) return value;
		const present = Object.entries(value).filter(([, one]) => one !== null);
		const rest = Object.fromEntries(present.map(([key, one]) => [key, mended(one)]));
		return 'service' in rest ? { hostname: '', ...rest } : rest;
	};
	if (!isObject(body)) return body;
	return { ...body, ...(body.result ? { result: mended(body.result) } : {}) };
}

const contract = loadContract();

/** A fresh account for a test file: stand-in, official SDK, plain calls; every answer is held against the contract. */
export async function testAccount(options: { speed?: number } = {}) {
	const kernel = new Kernel({ dataDir: null, speed: options.speed ?? 0 });
	const standIn = await startCloudflare(kernel, { port: 0 });
	afterAll(() => standIn.close());

	const checked: typeof fetch = async (input, init) => {
		const response = await fetch(input, init);
		const url = new URL(input instanceof Request ? input.url : input);
		const path = url.pathname.replace('/client/v4', '');
		const text = await response.clone().text();
		const broken = contract(init?.method ?? 'GET', path, response.status, JSON.parse(text));
		if (broken) throw new Error(`contract: ${broken}`);
		return response;
	};
	const sdk = new Cloudflare({
		apiToken: standIn.token,
		baseURL: standIn.url,
		maxRetries: 0,
		fetch: checked
	});
	const call = async (method: string, path: string, body?: unknown, token = standIn.token) => {
		const response = await checked(`${standIn.url}${path}`, {
			method,
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			body: body === undefined ? undefined : JSON.stringify(body)
		});
		return { status: response.status, headers: response.headers, body: await response.json() };
	};
	const routes = cloudflareControlRoutes(kernel);
	const control = (method: string, path: string, body: object = {}) =>
		runRoute(routes, method, `/__sandbox/cloudflare${path}`, body);
	return { kernel, standIn, sdk, call, control, zone: `/zones/${standIn.zoneId}` };
}

/** Runs a control route as the console's server does. */
export async function runRoute(
	routes: Route[],
	method: string,
	path: string,
	body: object
): Promise<SandboxResponse> {
	for (const route of routes) {
		const pattern = new RegExp(`^${route.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
		const [plain = '', query = ''] = path.split('?');
		const found = pattern.exec(plain);
		if (route.method !== method || !found) continue;
		return route.run(
			{
				method,
				path: plain,
				query: new URLSearchParams(query),
				headers: {},
				host: '127.0.0.1',
				body: Buffer.from(JSON.stringify(body))
			},
			{ ...found.groups }
		);
	}
	throw new Error(`no control route ${method} ${path}`);
}
