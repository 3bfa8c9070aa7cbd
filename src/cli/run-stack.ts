import { join } from 'node:path';
import { setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { build } from './build.ts';
import { generateIfChanged } from './generate.ts';
import { isAlive, portIsFree } from './processes.ts';
import { type Stack, startStack, type StackOptions } from './stack.ts';

export interface Program {
	app: StackOptions['app'];
	/** Whether the application must be built first. */
	build: boolean;
}

const steps = {
	database: 'Base de datos · Database',
	sandbox: 'Simulador de proveedores · Sandbox',
	migrate: 'Migraciones · Migrations',
	seed: 'Datos de ejemplo · Example data',
	app: 'Aplicación · Application'
};

/** Runs the stack in the foreground until a signal, the parent's end or a part that breaks. Ends the process. */
export async function runStack(program: Program): Promise<never> {
	const started = Date.now();
	const dataDir =
		process.env.DEMO_DATA_DIR || fileURLToPath(new URL('../../.data', import.meta.url));
	const port = portFrom('DEMO_PORT') ?? 4443;
	let stack: Stack | null = null;
	let ending = false;

	const end = async (code: number, sentence?: string): Promise<never> => {
		// A second Ctrl-C, or what ends because we stop it, changes nothing.
		if (ending) return new Promise(() => undefined);
		ending = true;
		if (sentence) console.error(`\n${sentence}`);
		await stack?.stop();
		// What is still starting is stopped by the keeper as soon as we are gone.
		process.exit(code);
	};
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
		process.on(signal, () => void end(0, 'Deteniendo · Stopping …'));
	}
	process.on('uncaughtException', (error) => void end(1, error.stack));
	process.on('unhandledRejection', (error) => void end(1, String(error)));
	endWithParent(() => void end(1));

	try {
		if (!(await portIsFree(port))) {
			throw new Error(`Port ${port} is taken; stop what uses it or set DEMO_PORT to another.`);
		}
		const say = (line: string) => console.log(`  ${line}`);
		const generated = generateIfChanged();
		const built = program.build
			? generated.then(() => build(() => say('Compilación · Build')))
			: generated;
		// The stack reports it when it gets there.
		for (const work of [generated, built]) work.catch(() => undefined);
		stack = await startStack({
			dataDir,
			port,
			sandboxPort: portFrom('SANDBOX_PORT'),
			app: program.app,
			speed: Number(process.env.SANDBOX_SPEED || 0.1),
			durable: true,
			fresh: process.argv.includes('--fresh') || process.env.npm_config_fresh === 'true',
			generated,
			built,
			onStep: (step) => say(steps[step])
		});
	} catch (error) {
		return end(1, error instanceof Error ? error.message : String(error));
	}
	announce(stack, join(dataDir, 'demo.json'), Date.now() - started);
	return end(1, await stack.broken);
}

function announce({ demo }: Stack, file: string, ms: number): void {
	console.log(`
  ERP Core  ${demo.app}   (${(ms / 1000).toFixed(1)} s)

  Administración · Admin    ${demo.app}/login/admin
                            ${demo.staff.email}   ${demo.staff.password}
  Portal del cliente        ${demo.app}/login/tenant
                            ${demo.customer.email}   ${demo.customer.password}
  Alta pública · Sign-up    ${demo.app}/signup   (tarjeta · card 4242 4242 4242 4242)
  Simulador · Sandbox       ${demo.sandbox}   (correo, pagos, reloj, DNS, nodos · mail, payments, clock, DNS, nodes)
  Para programas · Scripts  ${file}

  Ctrl-C detiene todo; los datos quedan. · Ctrl-C stops everything; the data stays. (--fresh: de nuevo · start over)
`);
}

/** Ends us when the shell or npm that started us was killed without a word. */
function endWithParent(end: () => void): void {
	const parent = process.ppid;
	setInterval(() => {
		if (process.ppid !== parent || !isAlive(parent)) end();
	}, 500).unref();
}

function portFrom(name: string): number | undefined {
	const text = process.env[name];
	if (!text) return undefined;
	const port = Number(text);
	if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
	throw new Error(`${name}=${text} is not a port`);
}
