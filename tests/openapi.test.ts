import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { GET } from '../src/routes/api/openapi.json/+server.ts';
import { requestEvent } from './access/event.ts';

const operation = z.looseObject({
	operationId: z.string(),
	parameters: z
		.array(z.looseObject({ name: z.string(), in: z.string(), schema: z.unknown() }))
		.default([]),
	requestBody: z.unknown().optional(),
	responses: z.record(z.string(), z.unknown())
});
const shape = z.looseObject({
	paths: z.record(z.string(), z.record(z.string(), operation)),
	components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) })
});

async function served(): Promise<Record<string, unknown>> {
	const event = requestEvent({ routeId: '/api/openapi.json', params: {}, method: 'GET' });
	Object.assign(event.locals, { auth: null, ip: '127.0.0.1', requestId: 'tests' });
	const response = await GET(event as Parameters<typeof GET>[0]);
	expect(response.status).toBe(200);
	return z.record(z.string(), z.unknown()).parse(await response.json());
}

const document = await served();
const { paths, components } = shape.parse(document);
const operations = Object.entries(paths).flatMap(([path, methods]) =>
	Object.entries(methods).map(([method, found]) => ({ path, method, ...found }))
);

it('is a document that the official schema of OpenAPI 3.1 accepts', async () => {
	const validator = new Validator();
	expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
	expect(validator.version).toBe('3.1');
	expect(operations.length).toBeGreaterThan(10);
});

it('would not be accepted with a fault in it', async () => {
	const faulty = structuredClone(document);
	const [first] = Object.values(shape.parse(faulty).paths);
	Object.assign(faulty, { paths: { '/api/x': { get: { ...first?.get, responses: 'none' } } } });
	expect(await new Validator().validate(faulty)).toMatchObject({ valid: false });
});

it('holds schemas that are JSON Schema 2020-12, and whose references lead somewhere', () => {
	const ajv = new Ajv2020({ strict: true, strictTypes: false, validateFormats: false });
	ajv.addVocabulary(['components']);
	ajv.addSchema({ $id: 'document', components });
	const found = [...schemasIn(operations)];
	expect(found.length).toBeGreaterThan(operations.length);
	for (const schema of [...found, ...Object.values(components.schemas)]) {
		// References are to the document: `#/components/…`.
		const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
		expect(() =>
			ajv.compile(z.record(z.string(), z.unknown()).parse(JSON.parse(text)))
		).not.toThrow();
	}
});

it('names each operation once, and each part of its path', () => {
	const ids = operations.map(({ operationId }) => operationId);
	expect(ids).toEqual([...new Set(ids)]);
	for (const { path, parameters } of operations) {
		const named = parameters.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`);
		expect(path.match(/\{\w+\}/g) ?? []).toEqual(named);
	}
});

/** Every value under a key `schema`, wherever it stands. */
function* schemasIn(value: unknown): Generator<unknown> {
	if (typeof value !== 'object' || value === null) return;
	for (const [key, inner] of Object.entries(value)) {
		if (key === 'schema') yield inner;
		else yield* schemasIn(inner);
	}
}
