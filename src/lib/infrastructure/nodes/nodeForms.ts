import { z } from 'zod';
import { tickbox } from '#lib/core/tickbox.ts';
import '#lib/core/validation.ts';
import {
	apiTokenField,
	apiUrlField,
	limits,
	sshHostField,
	sshPortField,
	sshUserField
} from './enrolmentForms.ts';

const fields = {
	api_url: apiUrlField,
	ssh_host: sshHostField.refine((host) => host !== ''),
	ssh_port: sshPortField,
	ssh_user: sshUserField,
	...limits
};

/** Both fingerprints as they were shown, and that somebody compared them; only where they are asked for. */
const confirmation = {
	api_fingerprint: z.string().trim().max(200).optional(),
	ssh_host_key: z.string().trim().max(200).optional(),
	compared: tickbox
};

/** The whole form: what it does not name goes back to its default. */
export const nodeForm = z.object({
	...fields,
	...confirmation,
	/** What the editor had seen. */
	revision: z.coerce.number().int()
});

/** In the API: only what is to change. */
export const nodePatch = z
	.object({
		...z.object(fields).partial().shape,
		cpu_overcommit: limits.cpu_overcommit.unwrap().optional(),
		ram_overcommit: limits.ram_overcommit.unwrap().optional(),
		disk_overcommit: limits.disk_overcommit.unwrap().optional(),
		max_containers: limits.max_containers.unwrap().optional(),
		priority: limits.priority.unwrap().optional(),
		ssh_port: sshPortField.unwrap().optional(),
		ssh_user: sshUserField.unwrap().optional(),
		/** SHA-256 of the certificate that the API shows, once somebody has compared it: needed when the address changes. */
		api_fingerprint: z.string().trim().max(200).optional(),
		/** `SHA256:…` of the SSH host key, likewise. */
		ssh_host_key: z.string().trim().max(200).optional(),
		/** As `GET` gave it: refused when somebody has edited the node since; without it the last one wins. */
		revision: z.number().int().optional()
	})
	.strict();
export type NodePatch = z.output<typeof nodePatch>;

export const tokenForm = z.object({ api_token: apiTokenField });

export const maintenanceForm = z.object({ reason: z.string().trim().min(3).max(500) });
