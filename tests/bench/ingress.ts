import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { timesOf } from './load.ts';
import { figure, heading } from './report.ts';
import { bareQuery, type World } from './world.ts';

const measured = z.object({
	hosts: z.number(),
	rules: z.number(),
	built: z.array(z.number()),
	compared: z.array(z.number())
});

/** How long the document of a tunnel takes to build from the rows of a thousand hosts, and to compare. */
export async function benchIngress(world: World): Promise<void> {
	const script = fileURLToPath(new URL('./ingress-document.ts', import.meta.url));
	const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
		env: world.env,
		encoding: 'utf8'
	});
	if (status !== 0) throw new Error(`the document was not measured:\n${stderr}`);
	const { hosts, rules, built, compared } = measured.parse(
		JSON.parse(stdout.trim().split('\n').at(-1)!)
	);
	heading(`Ingress: ${hosts} hosts, ${rules} rules`);
	const whole = timesOf(built.map((ms, look) => ms + compared[look]!));
	const query = await bareQuery(world.sql);
	figure({ what: 'Ingress built, p50', value: timesOf(built).p50, unit: 'ms' });
	figure({ what: 'Ingress compared, p50', value: timesOf(compared).p50, unit: 'ms' });
	figure({
		what: 'Ingress built and compared, p95',
		value: whole.p95,
		unit: 'ms',
		aim: 50,
		reference: { what: 'SELECT 1, p95', value: query.p95 }
	});
}
