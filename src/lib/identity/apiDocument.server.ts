import { z } from 'zod';

const operation = z.object({
	summary: z.string(),
	description: z.string().optional(),
	tags: z.array(z.string()),
	parameters: z
		.array(z.object({ name: z.string(), in: z.string(), required: z.boolean() }))
		.default([]),
	requestBody: z
		.object({ content: z.object({ 'application/json': z.object({ schema: z.unknown() }) }) })
		.optional(),
	responses: z.record(
		z.string(),
		z.object({
			content: z.object({ 'application/json': z.object({ schema: z.unknown() }) }).optional()
		})
	)
});
const document = z.object({ paths: z.record(z.string(), z.record(z.string(), operation)) });

/** One operation as the documentation page shows it. */
export interface ApiOperation {
	id: string;
	method: string;
	path: string;
	summary: string;
	description: string;
	parameters: { name: string; in: string; required: boolean }[];
	/** JSON Schemas, printed. */
	body: string | null;
	answer: string | null;
}

/** The OpenAPI document by tag, for reading. */
export function readDocument(raw: unknown): { tag: string; operations: ApiOperation[] }[] {
	const groups = new Map<string, ApiOperation[]>();
	for (const [path, methods] of Object.entries(document.parse(raw).paths)) {
		for (const [method, found] of Object.entries(methods)) {
			const success = Object.entries(found.responses).find(([status]) =>
				status.startsWith('2')
			)?.[1];
			const tag = found.tags[0] ?? 'api';
			const body = found.requestBody?.content['application/json'].schema;
			const answer = success?.content?.['application/json'].schema;
			groups.set(tag, [
				...(groups.get(tag) ?? []),
				{
					id: `${method}-${path.replace(/\W+/g, '-')}`,
					method: method.toUpperCase(),
					path,
					summary: found.summary,
					description: found.description ?? '',
					parameters: found.parameters,
					body: body ? JSON.stringify(body, null, 2) : null,
					answer: answer ? JSON.stringify(answer, null, 2) : null
				}
			]);
		}
	}
	return [...groups].map(([tag, operations]) => ({ tag, operations }));
}
