import { z } from 'zod';
import type { EndpointOptions } from './endpoint.server.ts';

type Json = { [key: string]: unknown };

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * The OpenAPI 3.1 document of what was written with `endpoint()`: nothing is listed twice.
 * @param modules modules of +server.ts files by path from the routes folder: `api/tenants/[id]/+server.ts`
 */
export function openApi(modules: Record<string, Record<string, unknown>>, origin: string): Json {
	const paths: Record<string, Json> = {};
	for (const [file, module] of Object.entries(modules).sort(([a], [b]) => (a < b ? -1 : 1))) {
		const path = urlPath(file);
		for (const method of METHODS) {
			const options = described(module[method]);
			if (options) (paths[path] ??= {})[method.toLowerCase()] = operation(method, path, options);
		}
	}
	return {
		openapi: '3.1.0',
		info: {
			title: 'ERP Core',
			version: '1.0.0',
			description:
				'Answers are `{ success, data, meta? }` or `{ success, error, detail, fields?, request_id }`. Keys are snake_case, amounts are in minor units, times are ISO 8601 in UTC.'
		},
		servers: [{ url: origin }],
		security: [{ token: [] }, { session: [] }],
		paths,
		components: {
			securitySchemes: {
				token: {
					type: 'http',
					scheme: 'bearer',
					description: '`id.secret`, made by `npm run token:create` or in the settings'
				},
				session: {
					type: 'apiKey',
					in: 'cookie',
					name: origin.startsWith('https:') ? '__Host-session' : 'session'
				}
			},
			schemas: { Failure: failureSchema, Meta: metaSchema },
			responses: {
				Failure: {
					description: 'Refused or failed',
					content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } }
				}
			}
		}
	};
}

function operation(method: string, path: string, options: EndpointOptions): Json {
	const parameters = [
		...parametersOf('path', options.params),
		...parametersOf('query', options.query)
	];
	const named = new Set(parameters.map(({ name }) => name));
	for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
		if (!named.has(name))
			parameters.unshift({ name, in: 'path', required: true, schema: { type: 'string' } });
	}
	if (method === 'POST' && options.idempotent !== false) {
		parameters.push({
			name: 'Idempotency-Key',
			in: 'header',
			required: false,
			description: 'The same key and body get the same answer for 24 hours',
			schema: { type: 'string', maxLength: 255 }
		});
	}
	const status = options.status ?? 200;
	return {
		operationId: `${method.toLowerCase()}${path.replace(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase()).replace(/\W/g, '')}`,
		summary: options.summary,
		tags: [
			path.split('/')[1] === 'api' ? (path.split('/')[2] ?? 'api') : (path.split('/')[1] ?? 'root')
		],
		...who(options.permission),
		...(parameters.length > 0 && { parameters }),
		...(options.body && {
			requestBody: {
				required: true,
				content: { 'application/json': { schema: jsonSchema(options.body, 'input') } }
			}
		}),
		responses: {
			[status]:
				status === 204
					? { description: 'Done' }
					: {
							description: 'Done',
							content: { 'application/json': { schema: successSchema(options.response) } }
						},
			default: { $ref: '#/components/responses/Failure' }
		}
	};
}

/** Who may, in words and for machines; open ones need nothing. */
function who(permission: EndpointOptions['permission']): Json {
	if (permission === 'public') return { security: [] };
	if (permission === 'user') return { description: 'For any logged-in person.' };
	const name = typeof permission === 'object' ? permission.customer : permission;
	const side = typeof permission === 'object' ? 'members of a customer' : 'staff';
	return { description: `For ${side} with the permission \`${name}\`.`, 'x-permission': name };
}

function parametersOf(place: 'path' | 'query', schema: z.ZodType | undefined): Json[] {
	if (!schema) return [];
	const { properties, required } = jsonSchema(schema, 'input');
	const needed = Array.isArray(required) ? required : [];
	return Object.entries(
		typeof properties === 'object' && properties !== null ? properties : {}
	).map(([name, property]) => ({
		name,
		in: place,
		required: place === 'path' || needed.includes(name),
		schema: property
	}));
}

function successSchema(response: z.ZodType): Json {
	const data = jsonSchema(response, 'output');
	const isList = data.type === 'array';
	return {
		type: 'object',
		required: ['success', 'data'],
		properties: {
			success: { const: true },
			data,
			...(isList && { meta: { $ref: '#/components/schemas/Meta' } })
		}
	};
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
	const { $schema: _, ...made } = z.toJSONSchema(schema, {
		io,
		// What JSON has no word for (a refinement, a bigint) is described as anything.
		unrepresentable: 'any',
		override: ({ zodSchema, jsonSchema: written }) => {
			if (zodSchema._zod.def.type === 'date')
				Object.assign(written, { type: 'string', format: 'date-time' });
		}
	});
	return made;
}

const failureSchema = jsonSchema(
	z.object({
		success: z.literal(false),
		error: z.string().describe('Code, such as TENANT_NOT_FOUND'),
		detail: z.string().describe("A sentence in the caller's language (Accept-Language)"),
		fields: z.record(z.string(), z.string()).optional().describe('A sentence per wrong field'),
		request_id: z.string()
	}),
	'output'
);

const metaSchema = jsonSchema(
	z.object({
		total: z.int().nullable().describe('Exact up to 10,000, then null'),
		total_estimate: z.int().optional(),
		page: z.int(),
		page_size: z.int(),
		next: z.string().nullable().describe('Cursor of the next page')
	}),
	'output'
);

/** `api/tenants/[id]/+server.ts` is `/api/tenants/{id}`; groups leave no trace. */
function urlPath(file: string): string {
	const parts = file
		.split('/')
		.slice(0, -1)
		.filter((part) => part !== '..' && part !== '.' && !/^\(.*\)$/.test(part));
	return `/${parts.map((part) => part.replace(/^\[+(?:\.\.\.)?(\w+)(?:=\w+)?\]+$/, '{$1}')).join('/')}`;
}

function described(handler: unknown): EndpointOptions | null {
	const isHandler = (value: unknown): value is { endpoint: EndpointOptions } =>
		typeof value === 'function' && 'endpoint' in value;
	return isHandler(handler) ? handler.endpoint : null;
}
