/** Each rule is shown a file that breaks it and one that does not, so that no rule passes by looking at nothing. */
import { describe, expect, test } from 'vitest';
import { extraWords, fileProblems, readmeProblems, wordProblems } from './files.ts';
import { guardProblems } from './guards.ts';
import { importProblems } from './layers.ts';
import { parse } from './source.ts';

const importRules = (path: string, text: string) =>
	importProblems([parse(path, text)]).map(({ rule }) => rule);

describe('imports', () => {
	test.each([
		[
			'a higher line',
			'src/lib/plans/plans.server.ts',
			"import { a } from '#lib/billing/a.server.ts';"
		],
		['a neighbour', 'src/lib/billing/a.server.ts', "import '#lib/licences/a.server.ts';"],
		['a neighbour by path', 'src/lib/domains/a.server.ts', "import '../backups/a.server.ts';"],
		['another vendor', 'src/lib/integrations/ssh/a.ts', "import '#lib/integrations/stripe/b.ts';"],
		['another vertical', 'src/lib/verticals/isp/a.ts', "import '#lib/verticals/cacao/b.ts';"],
		['a lazy import', 'src/lib/core/a.ts', "await import('#lib/logs/a.server.ts');"],
		['a re-export', 'src/lib/core/a.ts', "export { a } from '#lib/logs/a.server.ts';"],
		['a route', 'src/lib/provisioning/a.server.ts', "import '../../routes/a.ts';"],
		['an unknown area', 'src/lib/stuff/a.ts', '']
	])('%s breaks "lines"', (_, path, text) => {
		expect(importRules(path, text)).toContain('lines');
	});

	test.each([
		['src/lib/billing/a.server.ts', "import '#lib/plans/a.server.ts'; import './b.ts';"],
		['src/lib/integrations/ssh/a.ts', "import '../errors.ts';"],
		['src/hooks.server.ts', "import '#lib/jobs/worker.server.ts';"],
		['src/lib/plans/a.server.test.ts', "import '#lib/billing/a.server.ts';"]
	])('%s may', (path, text) => {
		expect(importRules(path, text)).toEqual([]);
	});

	test('the sandbox is alone in both directions', () => {
		const into = "import { sign } from '../../sandbox/stripe/sign.ts';";
		expect(importRules('src/lib/billing/a.server.ts', into)).toContain('sandbox');
		expect(importRules('src/sandbox/stripe/a.ts', "import '#lib/core/money.ts';")).toContain(
			'sandbox'
		);
		expect(importRules('src/sandbox/stripe/a.ts', "import '../kernel/http.ts';")).toEqual([]);
	});

	test('a component takes types from the server and nothing else', () => {
		const component = (line: string) => `<script lang="ts">\n${line}\n</script>\n<p>hello</p>`;
		const path = 'src/routes/admin/+page.svelte';
		const server = "from '#lib/plans/plans.server.ts';";
		expect(importRules(path, component(`import { a } ${server}`))).toContain('browser');
		expect(importRules(path, component(`import { type A, b } ${server}`))).toContain('browser');
		expect(importRules(path, component(`import type { A } ${server}`))).toEqual([]);
		expect(importRules(path, component(`import { type A } ${server}`))).toEqual([]);
		expect(importRules('src/lib/plans/schema.ts', `import { a } ${server}`)).toContain('browser');
	});

	test('the customer side reaches the database through asCustomer alone', () => {
		const path = 'src/routes/tenant/portal/+page.server.ts';
		const from = "from '#lib/core/db.server.ts';";
		expect(importRules(path, `import { db } ${from}`)).toContain('database');
		expect(importRules(path, `import { db as all } ${from}`)).toContain('database');
		expect(importRules(path, `import * as all ${from}`)).toContain('database');
		expect(importRules(path, `import { asCustomer, type Tx } ${from}`)).toEqual([]);
		const owner = (work: string) =>
			`import { transaction } ${from} await transaction((tx) => ${work});`;
		expect(importRules(path, owner('tenants.suspend(tx, tenant)'))).toEqual([]);
		expect(importRules(path, owner('tx.customer.findMany()'))).toContain('database');
		expect(importRules(path, `import { transaction } ${from} transaction(work);`)).toContain(
			'database'
		);
		const vendor = 'src/lib/integrations/stripe/client.ts';
		expect(importRules(vendor, `import { db } ${from}`)).toContain('database');
	});

	test.each(['$lib/a.ts', '$app/stores', '$env/dynamic/private'])('%s is gone', (specifier) => {
		const text = `import { a } from '${specifier}';`;
		expect(importRules('src/routes/+page.server.ts', text)).toContain('specifiers');
	});

	test('what plain Node runs does not import $app', () => {
		const text = "import { dev } from '$app/environment';";
		expect(importRules('src/lib/core/env.server.ts', text)).toContain('specifiers');
		expect(importRules('src/routes/+layout.ts', text)).toEqual([]);
	});
});

describe('files', () => {
	const rules = (path: string, text: string) =>
		fileProblems([parse(path, text)]).map(({ rule }) => rule);

	test('300 lines pass, 301 do not', () => {
		expect(rules('src/lib/core/a.ts', 'a;\n'.repeat(300))).toEqual([]);
		expect(rules('src/lib/core/a.ts', 'a;\n'.repeat(301))).toEqual(['ceiling']);
	});

	test.each(['utils.ts', 'helpers.server.ts', 'misc.ts', 'index.ts'])('%s is no name', (base) => {
		expect(rules(`src/lib/core/${base}`, '')).toEqual(['names']);
	});

	test('an area without README is reported, verticals one by one', () => {
		const paths = ['src/lib/plans/a.ts', 'src/lib/plans/README.md', 'src/lib/verticals/isp/a.ts'];
		expect(readmeProblems(paths).map(({ file }) => file)).toEqual(['src/lib/verticals/isp/']);
	});

	test('a word without owner is reported, and so is an owner that is no area', () => {
		const extra = extraWords(
			'| Word | Where | Owner |\n|---|---|---|\n| `tenants` | admin | `provisioning` |'
		);
		expect(extra).toEqual(new Map([['tenants', 'provisioning']]));
		const paths = ['src/routes/admin/tenants/+page.svelte', 'src/routes/api/plans/+server.ts'];
		expect(wordProblems(paths, ['tenants:read'], extra)).toEqual([]);
		expect(wordProblems(['src/routes/admin/widgets/+page.svelte'], [], extra)).toHaveLength(1);
		expect(wordProblems(['prisma/models/widgets.prisma'], [], extra)).toHaveLength(1);
		expect(wordProblems([], ['widgets:read'], extra)).toHaveLength(1);
		expect(wordProblems([], [], new Map([['nodes', 'widgets']]))).toHaveLength(1);
	});
});

describe('guards', () => {
	const page = (text: string) =>
		guardProblems([parse('src/routes/admin/plans/+page.server.ts', text)], () => false).length;
	const handler = (path: string, text: string) =>
		guardProblems([parse(path, text)], (id) => id.endsWith('/health')).map(({ rule }) => rule);

	test.each([
		'export const load: PageServerLoad = async (event) => ({});',
		"export const load = async (event) => { const a = 1; requireStaff(event, 'plans:read'); };",
		'export const load = async (event) => { requireStaff(event, permission); };',
		'export const load = async (event) => { requireStaff(event); };',
		'export async function load(event) { return {}; }',
		"export const load = wrap(async (event) => { requireStaff(event, 'plans:read'); });",
		"const load = async (event) => { requireStaff(event, 'plans:read'); }; export { load };",
		"export { load } from './other.ts';",
		'export const actions = { save: async (event) => { await save(event); } };',
		'export const actions = { async save(event) { await save(event); } };',
		'export const actions = { save };',
		'export const actions = others;'
	])('is not guarded: %s', (text) => {
		expect(page(text)).toBe(1);
	});

	test.each([
		"export const load = async (event) => { requireStaff(event, 'plans:read'); return {}; };",
		"export const load = (async (event) => { const staff = requireStaff(event, 'plans:read'); }) satisfies Load;",
		"export async function load(event) { const { user } = requireCustomer(event, 'team:read'); }",
		'export const load = async (event) => { const auth = await requireUser(event); };',
		"export const actions = { save: async (event) => { requireStaff(event, 'plans:write'); } } satisfies Actions;",
		'export const prerender = false;'
	])('is guarded: %s', (text) => {
		expect(page(text)).toBe(0);
	});

	test('handlers of the API are made by endpoint() with a literal permission', () => {
		const path = 'src/routes/api/plans/+server.ts';
		const literal = "export const GET = endpoint({ summary: 's', permission: 'plans:read' }, run);";
		const customer = "export const GET = endpoint({ permission: { customer: 'team:read' } }, run);";
		expect(handler(path, literal)).toEqual([]);
		expect(handler(path, customer)).toEqual([]);
		expect(handler(path, 'export const GET = endpoint({ permission }, run);')).toEqual(['guard']);
		expect(handler(path, "export const GET = endpoint({ summary: 's' }, run);")).toEqual(['guard']);
		expect(
			handler(path, "export const GET = async (event) => { requireStaff(event, 'plans:read'); };")
		).toEqual(['guard']);
	});

	test('a public route stands in the list as well', () => {
		const text = 'export const GET = (event) => { publicRoute(event); return new Response(); };';
		expect(handler('src/routes/health/+server.ts', text)).toEqual([]);
		expect(handler('src/routes/(public)/health/+server.ts', text)).toEqual([]);
		expect(handler('src/routes/secret/+server.ts', text)).toEqual(['public']);
		const endpoint = "export const GET = endpoint({ permission: 'public' }, run);";
		expect(handler('src/routes/api/openapi/+server.ts', endpoint)).toEqual(['public']);
	});

	test('remote functions are refused', () => {
		expect(handler('src/routes/admin/a.remote.ts', '')).toEqual(['guard']);
	});
});
