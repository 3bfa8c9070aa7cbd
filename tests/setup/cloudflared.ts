import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { TUNNEL_ID } from '../../src/sandbox/cloudflare/state.ts';
import { CONFIG } from '../../src/sandbox/cloudflared/testing.ts';
import { testCluster } from '../../src/sandbox/proxmox/testing.ts';
import { startSsh } from '../../src/sandbox/ssh/server.ts';
import type { HostExec } from '#lib/integrations/cloudflared/cloudflared.server.ts';
import { CloudflaredError } from '#lib/integrations/cloudflared/errors.ts';
import { unrecorded } from '#lib/integrations/record.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import { ssh, type SshClient } from '#lib/integrations/ssh/ssh.server.ts';

/** Where cloudflared is in these tests. */
export const AT = { unit: 'cloudflared', path: CONFIG };

/** A cluster whose first node is reached by SSH, with a running container 105 on it. */
export async function testConnectorHost() {
	const pve = await testCluster();
	const standIn = await startSsh(pve.kernel, { ports: [], dataDir: null });
	const access = standIn.nodes.find(({ node }) => node === 'pve1')!;
	const client: SshClient = ssh(
		{
			host: access.host,
			port: access.port,
			username: access.user,
			privateKey: readFileSync(access.key_path, 'utf8'),
			hostKey: access.host_key
		},
		unrecorded
	);
	beforeAll(() => pve.runningContainer(105, 'pve1'));
	beforeEach(() => pve.kernel.faults.clear());
	afterAll(async () => {
		await client.close();
		await standIn.close();
		await pve.close();
	});
	const onNode: HostExec = (argv, options) => client.exec(argv, { ...options, call: null });
	return { pve, kernel: pve.kernel, client, onNode };
}

/** Files and processes have times of a millisecond. */
export const later = () => new Promise((resolve) => setTimeout(resolve, 5));

/** What the promise fails with. */
export const failure = (promise: Promise<unknown>): Promise<CloudflaredError | SshError> =>
	promise.then(
		() => Promise.reject(new Error('it did not fail')),
		(error: unknown) =>
			error instanceof CloudflaredError || error instanceof SshError ? error : Promise.reject(error)
	);

/** What an ingress of ours looks like. */
export const RULES = [
	{
		hostname: 'acme.sajet.us',
		path: '^/(websocket|longpolling)(/|$)',
		service: 'http://10.0.0.5:80'
	},
	{
		hostname: 'erp.acme.com',
		service: 'http://10.0.0.5:80',
		originRequest: { httpHostHeader: 'acme.sajet.us' }
	},
	{ service: 'http_status:404' }
];
/** A configuration that a person wrote and cares for. */
export const TEXT = `# Written by Ana, do not lose
tunnel: ${TUNNEL_ID}
credentials-file: /etc/cloudflared/${TUNNEL_ID}.json
protocol: quic # the firewall likes it

# our own
no-such-setting:
  a: [1, 2]
ingress:
  - hostname: old.sajet.us
    service: http://localhost:8069
  - service: http_status:404
loglevel: info
`;
