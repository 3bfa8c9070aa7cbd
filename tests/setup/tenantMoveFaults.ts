import type { MoveStatus } from '#prisma/generated/enums.ts';
import type { FaultKind } from '../../src/sandbox/kernel/faults.ts';

/** A call of a step, known by its command or by what it says to PostgreSQL. */
interface Call {
	step: string;
	call: string;
	/** Of the command line, or of what is on its standard input. */
	is: (line: string, input: string, slug: string) => boolean;
}

const says = (sql: (slug: string) => string) => (_line: string, input: string, slug: string) =>
	input.includes(sql(slug));
const runs = (words: string) => (line: string) => line.includes(words);

const BEFORE: Call[] = [
	{ step: 'preflight', call: 'size', is: says((slug) => `pg_database_size('${slug}')`) },
	{ step: 'backup', call: 'dump', is: (line) => /odoo-bin db .*dump/.test(line) },
	{
		step: 'pack',
		call: 'hold',
		is: says((slug) => `"${slug}" with allow_connections true connection limit 0`)
	},
	{ step: 'pack', call: 'sessions', is: says(() => 'pg_terminate_backend') },
	{ step: 'pack', call: 'pg_dump', is: runs('pg_dump') },
	{ step: 'pack', call: 'tar', is: runs('tar -cf') },
	{ step: 'transfer', call: 'write', is: runs('cat > ') },
	{ step: 'load', call: 'create', is: says((slug) => `create database "${slug}__`) },
	{ step: 'load', call: 'pg_restore', is: runs('pg_restore') },
	{ step: 'load', call: 'tar', is: runs('-xf -') },
	{ step: 'compare', call: 'counts', is: says(() => 'query_to_xml') },
	{ step: 'switch', call: 'name', is: says((slug) => `rename to "${slug}"`) },
	{
		step: 'switch',
		call: 'files',
		is: (line, _input, slug) => line.includes('mv -T') && line.trim().endsWith(`/${slug}`)
	}
];
const AFTER: Call[] = [
	{
		step: 'open',
		call: 'open',
		is: says((slug) => `"${slug}" with allow_connections true connection limit -1`)
	},
	{ step: 'keep', call: 'name', is: says((slug) => `rename to "${slug}__`) },
	{ step: 'keep', call: 'shut', is: says(() => 'allow_connections false') }
];

/** What goes wrong with one move, and how it ends. */
export interface MoveFault {
	name: string;
	call: Call;
	kind: FaultKind;
	body?: string;
	/** How often; absent: until it is turned back, or somebody tries again. */
	times?: number;
	/** The worker dies once the call has taken effect, and another one takes the run. */
	dies?: boolean;
	ends: MoveStatus;
}
const full = 'pg_restore: error: could not extend file: No space left on device';
export const MOVE_FAULTS: readonly MoveFault[] = [
	...BEFORE.map((call) => ({
		...{ name: `${call.step} · ${call.call} fails for good`, call },
		...{ kind: 'status' as const, ends: 'rolled_back' as const }
	})),
	...AFTER.map((call) => ({
		...{ name: `${call.step} · ${call.call} fails for good`, call },
		...{ kind: 'status' as const, ends: 'failed' as const }
	})),
	...[...BEFORE.slice(2), ...AFTER].map((call) => ({
		...{ name: `${call.step} · ${call.call}: the worker dies after it`, call, times: 1 },
		...{ kind: 'status' as const, dies: true, ends: 'confirming' as const }
	})),
	...BEFORE.filter(({ call }) => ['pg_dump', 'write', 'pg_restore'].includes(call)).map((call) => ({
		...{ name: `${call.step} · ${call.call} never answers, once`, call, times: 1 },
		...{ kind: 'timeout' as const, ends: 'confirming' as const }
	})),
	{
		...{ name: 'load · the disk is full', call: BEFORE[8]!, body: full },
		...{ kind: 'status', ends: 'rolled_back' }
	},
	{
		...{ name: 'compare · the copy lacks rows', call: BEFORE[10]!, times: 1 },
		...{ kind: 'malformed', body: '{"res_users": 1}', ends: 'rolled_back' }
	}
];
