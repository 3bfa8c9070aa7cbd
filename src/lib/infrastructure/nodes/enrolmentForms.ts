import { z } from 'zod';
import { tickbox } from '#lib/core/tickbox.ts';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';
import { isWithin, poolSize } from '../placement/addresses.ts';

const PVE_PORT = 8006;
/** Link-local, unspecified and multicast: no Proxmox answers there, but a cloud's metadata service may. */
const NO_HOST = /^(169\.254\.|0\.|22[4-9]\.|23\d\.|\[?(fe[89ab]|ff|::\]?$))/i;
const HOST = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$|^[0-9A-Fa-f:]+$/;

/** The address of a node's API as people type it: `pve1.example.com`, with or without scheme, port and `/api2/json`. */
export const apiUrlField = z
	.string()
	.trim()
	.min(1)
	.max(300)
	.transform((text, check) => {
		const refuse = (message: string) => {
			check.addIssue({ code: 'custom', message });
			return z.NEVER;
		};
		const typed = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`;
		if (!URL.canParse(typed)) return refuse(m.field_url());
		const url = new URL(typed);
		if (url.protocol !== 'https:') return refuse(m.enrol_api_https());
		const path = url.pathname.replace(/\/+$/, '');
		if (
			url.username ||
			url.password ||
			url.search ||
			url.hash ||
			!/^(\/api2(\/json)?)?$/.test(path)
		)
			return refuse(m.enrol_api_address_only());
		if (NO_HOST.test(url.hostname)) return refuse(m.enrol_host_refused());
		// Without a port people mean Proxmox's own; a default port that was typed is meant.
		const said = /^https:\/\/[^/]*:\d+(?:\/|$)/i.test(typed);
		return `https://${url.hostname}:${said ? url.port || '443' : PVE_PORT}`;
	});

/** `user@realm!id=secret`, with or without the header's `PVEAPIToken=` in front. */
export const apiTokenField = z
	.string()
	.trim()
	.transform((text) => text.replace(/^PVEAPIToken=/, ''))
	.refine((text) => /^[^\s@!=/]+@[A-Za-z][\w.-]+![A-Za-z][\w.-]+=[0-9a-f-]{36}$/i.test(text), {
		error: () => m.enrol_token_format()
	});

export const sshHostField = z
	.string()
	.trim()
	.refine((text) => text === '' || (HOST.test(text) && !NO_HOST.test(text)), {
		error: () => m.enrol_ssh_host_format()
	});
export const sshPortField = z.coerce.number().int().min(1).max(65_535).default(22);
export const sshUserField = z
	.string()
	.trim()
	.regex(/^[a-z_][a-z0-9_-]{0,31}$/, { error: () => m.enrol_ssh_user_format() })
	.default('root');

const access = z.object({
	api_url: apiUrlField,
	/** Empty: the same host as the API's. */
	ssh_host: sshHostField.default(''),
	ssh_port: sshPortField,
	ssh_user: sshUserField
});

function asAccess({ api_url, ssh_host, ssh_port, ssh_user }: z.output<typeof access>) {
	return {
		apiUrl: api_url,
		sshHost: ssh_host || new URL(api_url).hostname.replace(/^\[|\]$/g, ''),
		sshPort: ssh_port,
		sshUser: ssh_user
	};
}

/** The first step: where the node is and what opens it. */
export const accessForm = access
	.extend({ api_token: apiTokenField })
	.transform(({ api_token, ...rest }) => ({ ...asAccess(rest), apiToken: api_token }));
export type AccessInput = z.output<typeof accessForm>;

/** The same once more; without a token the one that was given stays. */
export const changedAccessForm = access
	.extend({
		api_token: z.union([
			z
				.string()
				.trim()
				.length(0)
				.transform(() => null),
			apiTokenField
		])
	})
	.transform(({ api_token, ...rest }) => ({ ...asAccess(rest), apiToken: api_token }));
export type ChangedAccessInput = z.output<typeof changedAccessForm>;

/** The second step: both fingerprints as they were shown, and that somebody compared them. */
export const confirmForm = z.object({
	api_fingerprint: z.string(),
	ssh_host_key: z.string(),
	compared: tickbox.refine((ticked) => ticked, { error: () => m.enrol_compare_first() })
});

const nameField = z
	.string()
	.trim()
	.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, { error: () => m.enrol_name_format() });
const vmidField = z.coerce.number().int().min(100).max(999_999_999);
const factor = z.coerce.number().min(0.1).max(100);

/** How much of a node may be promised. */
export const limits = {
	cpu_overcommit: factor.default(4),
	ram_overcommit: factor.default(1),
	disk_overcommit: factor.default(1),
	max_containers: z.coerce.number().int().min(0).max(10_000).default(50),
	priority: z.coerce.number().int().min(0).max(1_000).default(100)
};

/** Into a cluster that is here already. */
const intoKnown = z
	.object({ cluster: z.uuid({ error: () => m.field_required() }), ...limits })
	.transform((typed) => ({ into: 'known' as const, ...typed }));

/** With a cluster of its own. */
const intoNew = z
	.object({
		cluster: z.literal('new'),
		...limits,
		name: nameField,
		region: nameField.default('default'),
		vmid_min: vmidField.default(200),
		vmid_max: vmidField.default(8_999),
		odoo_version: z
			.string()
			.trim()
			.regex(/^(1[6-9]|2\d)\.\d$/, { error: () => m.enrol_odoo_version_format() }),
		/** Empty: none is there yet. */
		template_vmid: z
			.literal('')
			.transform(() => null)
			.or(vmidField),
		template_prefix: z
			.string()
			.trim()
			.regex(/^[a-z][a-z0-9_]{1,30}$/, { error: () => m.enrol_prefix_format() }),
		rootfs_storage: z.string().min(1),
		backup_storage: z.string().min(1),
		bridge: z.string().min(1),
		vlan: z
			.literal('')
			.transform(() => undefined)
			.or(z.coerce.number().int().min(1).max(4_094))
			.optional(),
		network: z.string().trim(),
		gateway: z.string().trim()
	})
	.superRefine(({ vmid_min, vmid_max, network, gateway }, check) => {
		const refuse = (field: string, message: string) =>
			check.addIssue({ code: 'custom', path: [field], message });
		if (vmid_max < vmid_min) refuse('vmid_max', m.enrol_vmid_range());
		const problem = networkProblem(network, gateway);
		if (problem) refuse(...problem);
	})
	.transform((typed) => ({ into: 'new' as const, ...typed }));

export type PlaceInput = z.output<typeof intoNew> | z.output<typeof intoKnown>;
export type NewClusterInput = z.output<typeof intoNew>;

/** What is wrong with an address pool, and the field; null when nothing is. */
function networkProblem(network: string, gateway: string): [string, string] | null {
	const parsed = attempt(() => poolSize({ network, gateway }));
	if (parsed === null || parsed < 1) return ['network', m.enrol_network_format()];
	if (!attempt(() => isWithin(network, gateway))) return ['gateway', m.enrol_gateway_outside()];
	return null;
}

/** What the parser of networks says; null where it says that there is none. */
function attempt<T>(parse: () => T): T | null {
	try {
		return parse();
	} catch {
		return null;
	}
}

export const DECISIONS = ['later', 'odoo', 'postgres', 'ignore'] as const;
export type Decision = (typeof DECISIONS)[number];

/**
 * The last step: where the node goes, and what becomes of each container that is there (`guest_<vmid>`). What is wrong is
 * said of the fields of the one kind of cluster that is meant.
 */
export const finishForm = z.record(z.string(), z.unknown()).transform((given, check) => {
	const place = (given.cluster === 'new' ? intoNew : intoKnown).safeParse(given);
	if (!place.success) {
		for (const { path, message } of place.error.issues)
			check.addIssue({ code: 'custom', path, message });
		return z.NEVER;
	}
	const accepted = given.accepted === 'on' || given.accepted === 'true';
	const into: PlaceInput = place.data;
	return { place: into, decisions: decisionsIn(given), accepted };
});

function decisionsIn(given: Record<string, unknown>): Map<number, Decision> {
	const decisions = new Map<number, Decision>();
	for (const [name, value] of Object.entries(given)) {
		const vmid = /^guest_(\d+)$/.exec(name)?.[1];
		const decision = DECISIONS.find((one) => one === value);
		if (vmid && decision) decisions.set(Number(vmid), decision);
	}
	return decisions;
}
