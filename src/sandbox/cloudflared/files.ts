import type { Kernel } from '../kernel/kernel.ts';
import { outcome, type Outcome } from '../ssh/shell.ts';
import { cloudflaredDocument, type Machine } from './state.ts';

type Program = (kernel: Kernel, machine: Machine, args: string[], stdin: Buffer) => Outcome;

const lacks = (program: string, what: string) =>
	outcome(1, '', `${program}: ${what}: No such file or directory\n`);
const paths = (args: string[]) => args.filter((arg) => arg.startsWith('/'));

/** What coreutils do to the files beside cloudflared. */
export const FILES: Record<string, Program> = {
	cat: (_kernel, machine, args) => {
		let text = '';
		for (const path of paths(args)) {
			const file = machine.files[path];
			if (!file) return { ...lacks('cat', path), stdout: Buffer.from(text) };
			text += file.content;
		}
		return outcome(0, text);
	},
	tee: (kernel, machine, args, stdin) => {
		for (const path of paths(args)) {
			const mode = machine.files[path]?.mode ?? '644';
			put(kernel, machine, path, stdin.toString('utf8'), mode);
		}
		return outcome(0, stdin);
	},
	cp: (kernel, machine, args) => {
		const [from = '', to = ''] = paths(args);
		const file = machine.files[from];
		if (!file) return lacks('cp', `cannot stat '${from}'`);
		put(kernel, machine, to, file.content, args.includes('-p') ? file.mode : '644');
		return outcome(0);
	},
	mv: (kernel, machine, args) => {
		const [from = '', to = ''] = paths(args);
		const file = machine.files[from];
		if (!file) return lacks('mv', `cannot stat '${from}'`);
		delete machine.files[from];
		put(kernel, machine, to, file.content, file.mode);
		return outcome(0);
	},
	rm: (kernel, machine, args) => {
		for (const path of paths(args)) {
			if (!machine.files[path] && !args.some((arg) => /^-\w*f/.test(arg)))
				return lacks('rm', `cannot remove '${path}'`);
			delete machine.files[path];
		}
		cloudflaredDocument(kernel).changed();
		return outcome(0);
	},
	ls: (_kernel, machine, args) => {
		const [folder = ''] = paths(args);
		const inside = Object.keys(machine.files)
			.filter((path) => path.startsWith(`${folder.replace(/\/$/, '')}/`))
			.map((path) => path.slice(folder.replace(/\/$/, '').length + 1))
			.filter((name) => !name.includes('/'));
		if (inside.length === 0) return lacks('ls', `cannot access '${folder}'`);
		return outcome(
			0,
			inside
				.sort()
				.map((name) => `${name}\n`)
				.join('')
		);
	},
	stat: (_kernel, machine, args) => {
		const [path = ''] = paths(args);
		const file = machine.files[path];
		if (!file) return lacks('stat', `cannot statx '${path}'`);
		const format = /^--format=(.*)$/.exec(
			args.find((arg) => arg.startsWith('--format=')) ?? ''
		)?.[1];
		const text = (format ?? '%n').replace(/%(\.6Z|[Zasn])/g, (_whole, what: string) => {
			if (what === '.6Z') return (file.changedMs / 1000).toFixed(6);
			if (what === 'Z') return String(Math.floor(file.changedMs / 1000));
			if (what === 'a') return file.mode;
			return what === 's' ? String(Buffer.byteLength(file.content)) : path;
		});
		return outcome(0, `${text}\n`);
	},
	realpath: (_kernel, machine, args) => {
		const [path = ''] = paths(args);
		return machine.files[path] ? outcome(0, `${path}\n`) : lacks('realpath', path);
	},
	sync: () => outcome(0)
};

/** The folders of cloudflared on a system: what lies elsewhere belongs to other programs. */
export function holds(machine: Machine, args: string[]): boolean {
	const folders = Object.keys(machine.files).map((path) => path.replace(/\/[^/]*$/, ''));
	return paths(args).some((path) =>
		folders.some((folder) => path === folder || path.startsWith(`${folder}/`))
	);
}

function put(kernel: Kernel, machine: Machine, path: string, content: string, mode: string): void {
	machine.files[path] = { content, mode, changedMs: kernel.clock.nowMs() };
	cloudflaredDocument(kernel).changed();
}
