import type { RequestEvent } from '@sveltejs/kit';
import { authenticate } from '#lib/identity/admission.server.ts';
import { PARAMS, parametersOf } from '../factories/params.ts';
import type { Entry } from './entries.ts';
import { type Asked, requestEvent } from './event.ts';

export type Run = (event: RequestEvent) => unknown;

const modules = import.meta.glob<Record<string, unknown>>(
	'/src/routes/**/+{server,page.server,layout.server}.ts'
);

const values = new Map<string, string>();

/** The request as it stands behind the hook, without the hook's refusals. */
export async function authenticated(wanted: Asked): Promise<RequestEvent> {
	const event = requestEvent(wanted);
	Object.assign(event.locals, { requestId: 'access', ip: '127.0.0.1', locale: 'es' });
	event.locals.auth = await authenticate(event);
	return event;
}

/** The load, action or handler itself. */
export async function runOf(entry: Entry): Promise<Run> {
	const module = await modules[`/${entry.file}`]?.();
	const [member = '', action] = entry.member.split('.');
	const exportedValue = module?.[member];
	const run = action ? property(exportedValue, action) : exportedValue;
	if (!isRun(run)) throw new Error(`${label(entry)} is not a function`);
	return run;
}

function property(value: unknown, name: string): unknown {
	return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isRun(value: unknown): value is Run {
	return typeof value === 'function';
}

/** A real value for every parameter of a route. */
export async function paramsOf(routeId: string): Promise<Record<string, string>> {
	const params: Record<string, string> = {};
	for (const { name, key } of parametersOf(routeId)) params[name] = await valueOf(key);
	return params;
}

/** One row for all who ask. */
export async function valueOf(key: string): Promise<string> {
	const known = values.get(key) ?? (await PARAMS[key]?.());
	if (!known) throw new Error(`tests/factories/params.ts has nothing for ${key}`);
	values.set(key, known);
	return known;
}

/** For the name of a test. */
export function label({ routeId, member, guard }: Entry): string {
	return `${routeId} ${member} (${'permission' in guard ? guard.permission : guard.kind})`;
}
