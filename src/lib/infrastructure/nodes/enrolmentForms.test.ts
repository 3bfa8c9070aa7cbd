import { expect, it } from 'vitest';
import { accessForm, finishForm } from './enrolmentForms.ts';

const token = 'erpcore@pve!control=5a9db0c5-0000-4000-8000-e29c04e5a9db';
const typed = { api_url: 'https://pve1.example.com:8006', api_token: token };

it('may be an address as people write it, and nothing that leads elsewhere', () => {
	const url = (text: string) => accessForm.safeParse({ ...typed, api_url: text });
	const parsed = (text: string) => url(text).data?.apiUrl;
	expect(parsed('pve1.example.com')).toBe('https://pve1.example.com:8006');
	expect(parsed('https://PVE1.example.com:8443/api2/json/')).toBe('https://pve1.example.com:8443');
	expect(parsed('https://pve1.example.com:443')).toBe('https://pve1.example.com:443');
	expect(parsed('[2001:db8::1]:8006')).toBe('https://[2001:db8::1]:8006');
	for (const bad of [
		'http://pve1.example.com:8006',
		'https://me:secret@pve1.example.com',
		'https://pve1.example.com/login?next=x',
		'https://169.254.169.254',
		'https://[fe80::1]',
		'0.0.0.0',
		'ftp://pve1',
		'',
		'a b'
	])
		expect(url(bad).success, bad).toBe(false);
});

it('takes a token as Proxmox shows it, and a host for SSH that may be left out', () => {
	const tokenOf = (text: string) =>
		accessForm.safeParse({ ...typed, api_token: text }).data?.apiToken;
	expect(tokenOf(`PVEAPIToken=${token}`)).toBe(token);
	for (const bad of ['', 'root@pam', 'root@pam!x', 'root!x=1', `${token} x`])
		expect(tokenOf(bad), bad).toBeUndefined();
	const access = accessForm.parse({ api_url: 'pve9.example.com', api_token: token });
	expect(access).toMatchObject({ sshHost: 'pve9.example.com', sshPort: 22, sshUser: 'root' });
});

it.each([
	['network', { network: '10.0.0.0' }],
	['network', { network: '10.0.0.0/31' }],
	['gateway', { gateway: '10.9.0.1' }],
	['gateway', { gateway: 'x' }],
	['vmid_max', { vmid_max: '150' }],
	['odoo_version', { odoo_version: '18' }],
	['vlan', { vlan: '5000' }]
])('refuses a bad %s beside its field', (field, bad) => {
	const fine = {
		...{ cluster: 'new', name: 'norte', odoo_version: '18.0', template_vmid: '' },
		...{ template_prefix: 'tpl_18', rootfs_storage: 'ceph', backup_storage: 'nfs-backup' },
		...{ bridge: 'vmbr0', network: '10.0.0.0/24', gateway: '10.0.0.1', vlan: '' }
	};
	expect(finishForm.safeParse(fine).success).toBe(true);
	const { error } = finishForm.safeParse({ ...fine, ...bad });
	expect(error?.issues.map(({ path }) => path[0])).toEqual([field]);
});
