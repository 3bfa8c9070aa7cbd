/** Rows for the gallery's table. */
export type Person = {
	id: string;
	name: string;
	domain: string;
	plan: 'basic' | 'pro' | 'enterprise';
	state: 'active' | 'provisioning' | 'suspended' | 'failed';
	mrr: number;
	since: string;
};

const names = [
	['Cacao Real S.A.', 'cacao-real'],
	['Ferretería El Sol', 'ferreteria-sol'],
	['Logística Andes', 'logistica-andes'],
	['Impulse Max', 'impulse-max'],
	['Distribuidora Norte', 'distribuidora-norte'],
	['TecHeels', 'techeels'],
	['Panadería La Espiga', 'la-espiga'],
	['Clínica San Rafael', 'clinica-san-rafael']
] as const;
const plans = ['pro', 'basic', 'enterprise'] as const;
const states = ['active', 'provisioning', 'suspended', 'failed'] as const;

export const people: Person[] = names.map(([name, slug], i) => ({
	id: slug,
	name,
	domain: `${slug}.sajet.us`,
	plan: plans[i % 3] ?? 'basic',
	state: states[i % 4] ?? 'active',
	mrr: [4900, 2900, 9900][i % 3] ?? 0,
	since: `2026-0${(i % 9) + 1}-1${i % 9}`
}));
