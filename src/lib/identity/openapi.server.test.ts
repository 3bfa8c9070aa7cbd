import { expect, it } from 'vitest';
import { z } from 'zod';
import { readDocument } from './apiDocument.server.ts';
import { endpoint, pageQuery, paged } from './endpoint.server.ts';
import { openApi } from './openapi.server.ts';

const modules = {
	'api/things/[id]/+server.ts': {
		GET: endpoint(
			{
				summary: 'One thing',
				permission: 'tenants:read',
				params: z.object({ id: z.uuid() }),
				response: z.object({ id: z.uuid(), at: z.date().nullable() })
			},
			({ params }) => ({ id: params.id, at: null })
		),
		prerender: false
	},
	'(public)/api/things/+server.ts': {
		GET: endpoint(
			{
				summary: 'Things',
				permission: 'public',
				query: pageQuery,
				response: z.array(z.object({ id: z.string() }))
			},
			({ query }) =>
				paged([], {
					total: 0,
					totalEstimate: null,
					page: query.page,
					pageSize: query.page_size,
					next: null
				})
		),
		POST: endpoint(
			{
				summary: 'Make',
				permission: { customer: 'team:manage' },
				body: z.object({ name: z.string().min(2) }),
				response: z.object({}),
				status: 202
			},
			() => ({})
		)
	},
	'webhooks/x/+server.ts': { POST: () => new Response() }
};

it('is made of the handlers and of nothing else', () => {
	const made = openApi(modules, 'https://erp.example');
	expect(made).toMatchObject({
		openapi: '3.1.0',
		servers: [{ url: 'https://erp.example' }],
		components: { securitySchemes: { session: { name: '__Host-session' } } }
	});
	expect(Object.keys(made.paths as object)).toEqual(['/api/things', '/api/things/{id}']);
	expect(made.paths).toMatchObject({
		'/api/things': {
			get: {
				security: [],
				parameters: [
					{ name: 'page', in: 'query', required: false },
					{ name: 'page_size' },
					{ name: 'cursor' }
				],
				responses: {
					200: {
						content: {
							'application/json': {
								schema: { properties: { meta: { $ref: '#/components/schemas/Meta' } } }
							}
						}
					}
				}
			},
			post: {
				'x-permission': 'team:manage',
				parameters: [{ name: 'Idempotency-Key', in: 'header' }],
				requestBody: { content: { 'application/json': { schema: { required: ['name'] } } } },
				responses: { 202: {}, default: { $ref: '#/components/responses/Failure' } }
			}
		},
		'/api/things/{id}': {
			get: {
				operationId: 'getApiThingsId',
				tags: ['things'],
				parameters: [
					{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }
				],
				responses: {
					200: {
						content: {
							'application/json': {
								schema: {
									properties: {
										data: {
											properties: {
												at: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] }
											}
										}
									}
								}
							}
						}
					}
				}
			}
		}
	});
});

it('can be read as a page', () => {
	const [group] = readDocument(JSON.parse(JSON.stringify(openApi(modules, 'http://localhost'))));
	expect(group?.tag).toBe('things');
	expect(group?.operations.map(({ method, path }) => `${method} ${path}`)).toEqual([
		'GET /api/things',
		'POST /api/things',
		'GET /api/things/{id}'
	]);
	expect(group?.operations[1]?.body).toContain('"minLength": 2');
});
