import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { handle } from '../src/hooks.server.ts';
import { findTopic } from '#lib/identity/topics.server.ts';
import { isPublicRoute } from '#lib/identity/publicRoutes.ts';
import { type Entry, entriesOf, topicsOf } from './access/entries.ts';
import { type Asked, answered, isRefusal, requestEvent } from './access/event.ts';
import { authenticated, label, paramsOf, type Run, runOf, valueOf } from './access/run.ts';
import { type Persona, type People, createPeople, refusedPersonas } from './access/personas.ts';
import { parse, readSources } from './architecture/source.ts';
import { PARAMS, parametersOf } from './factories/params.ts';
import { testDatabase } from './setup/database.ts';

await testDatabase();

const root = fileURLToPath(new URL('..', import.meta.url));
const entries = readSources(root, ['src/routes']).flatMap(entriesOf);
const topics = readSources(root, ['src/lib'])
	.filter(({ path }) => path.endsWith('/topics.server.ts'))
	.flatMap(topicsOf);
const topicModules = import.meta.glob('/src/lib/**/topics.server.ts');
const SOCKET = { routeId: '/live', params: {}, method: 'GET' };

let people: People;

beforeAll(async () => {
	people = await createPeople();
});

describe('every way in', () => {
	it('is found', () => {
		expect(entries.length).toBeGreaterThan(20);
	});

	it('begins with a guard and a literal permission', () => {
		expect(entries.filter(({ guard }) => guard.kind === 'none').map(label)).toEqual([]);
		expect(topics.filter(({ guard }) => guard.kind === 'none').map(({ file }) => file)).toEqual([]);
	});

	it('has a factory for each of its parameters', () => {
		const missing = entries.flatMap(({ routeId }) =>
			parametersOf(routeId).filter(({ key }) => !PARAMS[key])
		);
		expect([...new Set(missing.map(({ key }) => key))]).toEqual([]);
	});

	it('has a factory for each row that a topic names', () => {
		const missing = topics.filter(({ name, takesId }) => takesId && !PARAMS[`topic/${name}`]);
		expect(missing.map(({ name }) => name)).toEqual([]);
	});

	it('is public in the list exactly where its guard says so', () => {
		const pages = entries.filter(({ file }) => !file.includes('+layout'));
		const surprising = pages.filter(
			({ routeId, guard }) => isPublicRoute(routeId) !== (guard.kind === 'public')
		);
		expect(surprising.map(label)).toEqual([]);
	});
});

describe('refuses whom it must', () => {
	it.each(
		entries
			.filter(({ guard }) => guard.kind !== 'public' && guard.kind !== 'none')
			.map((entry) => [label(entry), entry] as const)
	)('%s', async (_, entry) => {
		const run = await runOf(entry);
		expect(await admitted(entry, run)).toEqual([]);
	});
});

describe('a topic refuses whom it must', () => {
	// A public one without a row has nobody to refuse.
	const guarded = topics.filter(({ guard, takesId }) => guard.kind !== 'public' || takesId);

	it.each(guarded.map((topic) => [topic.name, topic] as const))('%s', async (_, entry) => {
		await topicModules[`/${entry.file}`]?.();
		const found = findTopic(entry.name);
		if (!found) throw new Error(`${entry.name} is not defined`);
		const id = entry.takesId ? await valueOf(`topic/${entry.name}`) : '';
		const open: string[] = [];
		for (const persona of refusedPersonas(people, entry.guard, entry.takesId)) {
			const event = await authenticated({ ...SOCKET, cookie: persona.cookie });
			const answer = await answered(() => found.topic.guard(event, id));
			if (!isRefusal(answer)) open.push(`${persona.name}: ${answer.status}`);
		}
		expect(open).toEqual([]);
	});
});

describe('the test itself', () => {
	const source = (text: string) =>
		entriesOf(parse('src/routes/admin/fixture/+page.server.ts', text));

	it('sees a topic without a guard', () => {
		const text =
			"defineTopic({ name: 'a', guard: async (event, id) => id }); defineTopic({ name: 'b', guard: (event) => { requireUser(event); } });";
		expect(topicsOf(parse('src/lib/x/topics.server.ts', text))).toMatchObject([
			{ name: 'a', guard: { kind: 'none' }, takesId: true },
			{ name: 'b', guard: { kind: 'user' }, takesId: false }
		]);
	});

	it('sees a load without a guard, behind other work, or with a permission that is not literal', () => {
		const texts = [
			'export const load = async () => ({});',
			"export const load = async (event) => { const id = event.params.id; requireStaff(event, 'tenants:read'); };",
			'export const load = (event) => { requireStaff(event, permission); };',
			"export const actions = { default: async (event) => { if (x) requireStaff(event, 'tenants:read'); } };"
		];
		expect(texts.map((text) => source(text)[0]?.guard.kind)).toEqual([
			'none',
			'none',
			'none',
			'none'
		]);
		expect(
			source(
				"export const load = (event) => { const staff = requireStaff(event, 'tenants:read'); };"
			)[0]?.guard
		).toEqual({
			kind: 'staff',
			permission: 'tenants:read'
		});
	});

	it('catches an entry that lets everybody in behind a guard that only looks right', async () => {
		const [entry] = source(
			"export const load = (event) => { const staff = requireStaff(event, 'tenants:read'); };"
		);
		if (!entry) throw new Error('no entry');
		const open = await admitted(entry, () => ({ secret: 'for everybody' }));
		expect(open).toContain('anonymous, guard alone: 200');
		expect(open).toContain('staff without tenants:read: 200');
	});
});

/** Everybody who got in and must not have: through the real hook, and with the hook's own refusal taken away. */
async function admitted(entry: Entry, run: Run): Promise<string[]> {
	const params = await paramsOf(entry.routeId);
	const found: string[] = [];
	for (const persona of refusedPersonas(
		people,
		entry.guard,
		parametersOf(entry.routeId).length > 0
	)) {
		const through = requestEvent(asked(entry, params, persona));
		const answer = await answered(() =>
			handle({ event: through, resolve: (event) => answered(() => run(event)) })
		);
		if (!isRefusal(answer)) found.push(`${persona.name}: ${answer.status}`);

		const alone = await authenticated(asked(entry, params, persona));
		const guarded = await answered(() => run(alone));
		if (!isRefusal(guarded)) found.push(`${persona.name}, guard alone: ${guarded.status}`);
	}
	return found;
}

function asked(entry: Entry, params: Record<string, string>, persona: Persona): Asked {
	// Whatever is posted in the portal says for which company its page was made.
	const isForm = entry.member.startsWith('actions') || entry.routeId.startsWith('/tenant/');
	const contentType: Record<string, string> =
		isForm || entry.method === 'GET' ? {} : { 'content-type': 'application/json' };
	return {
		routeId: entry.routeId,
		params,
		method: entry.method,
		cookie: persona.cookie,
		// Nobody is refused for a form of another company, or for a body that is no JSON.
		body: isForm ? new URLSearchParams({ customer_id: persona.customerId ?? '' }) : '{}',
		headers: contentType
	};
}
