import { html, type Html } from '../kernel/html.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { clusterOf } from '../proxmox/cluster.ts';
import { SANDBOX_TOKEN } from '../proxmox/state.ts';
import { act, table } from './shell.ts';

const GIB = 1024 ** 3;

/** Nodes with a switch, storages, containers. */
export function nodesSection(kernel: Kernel): Html {
	const { nodes, storages, containers } = clusterOf(kernel).state;
	const all = Object.values(containers);
	return html`<section id="nodos">
		<h2>Nodos y contenedores</h2>
		${table(
			['Nodo', 'Estado', 'Núcleos', 'Memoria', 'Contenedores', ''],
			nodes.map(
				(node) =>
					html`<tr>
						<td>${node.name}</td>
						<td>${node.online ? 'en línea' : 'caído'}</td>
						<td>${node.cores}</td>
						<td>${Math.round(node.memoryBytes / GIB)} GiB</td>
						<td>${all.filter((one) => one.node === node.name).length}</td>
						<td>
							${act(node.online ? 'Apagar' : 'Encender', `/__sandbox/proxmox/nodes/${node.name}`, 'nodos', { 'online:bool': String(!node.online) })}
							${act(node.extraMemoryBytes > 0 ? 'Liberar memoria' : 'Llenar memoria', `/__sandbox/proxmox/nodes/${node.name}`, 'nodos', { 'used_memory_gib:number': node.extraMemoryBytes > 0 ? '0' : String(node.memoryBytes / GIB) })}
						</td>
					</tr>`
			),
			'Ningún nodo.'
		)}
		${nodes.flatMap(({ name, joined }) =>
			joined
				? html`<p>
						${name} espera que lo den de alta: API <code>https://127.0.0.1:${joined.api}</code>,
						token <code>${SANDBOX_TOKEN.id}=${SANDBOX_TOKEN.secret}</code>, SSH
						<code>root@127.0.0.1</code> puerto <code>${joined.ssh}</code>.
					</p>`
				: []
		)}
		${nodes.some(({ joined }) => joined) ? '' : act('Añadir un cuarto nodo', '/__sandbox/proxmox/nodes', 'nodos', {})}
		<h3>Almacenamientos</h3>
		${table(
			['Nombre', 'Tipo', 'Contenido', 'Tamaño', 'Estado', ''],
			storages.map(
				(one) =>
					html`<tr>
						<td>${one.storage}${one.shared ? ' (compartido)' : ''}</td>
						<td>${one.type}</td>
						<td>${one.content.join(', ')}</td>
						<td>${Math.round(one.totalBytes / GIB)} GiB</td>
						<td>${one.offline ? 'caído' : 'en línea'}</td>
						<td>
							${act(Object.values(one.filled).some((bytes) => bytes > 0) ? 'Vaciar' : 'Llenar', `/__sandbox/proxmox/storages/${one.storage}`, 'nodos', { 'filled_gib:number': Object.values(one.filled).some((bytes) => bytes > 0) ? '0' : String(one.totalBytes / GIB) })}
							${act(one.offline ? 'Conectar' : 'Desconectar', `/__sandbox/proxmox/storages/${one.storage}`, 'nodos', { 'online:bool': String(one.offline) })}
						</td>
					</tr>`
			),
			'Ningún almacenamiento.'
		)}
		<h3>Contenedores</h3>
		${table(
			['VMID', 'Nombre', 'Nodo', 'Estado', 'Núcleos', 'Memoria'],
			all.map(
				(one) =>
					html`<tr>
						<td>${one.vmid}</td>
						<td>${one.config.hostname ?? ''}</td>
						<td>${one.node}</td>
						<td>
							${one.config.template ? 'plantilla' : one.status}${one.config.lock ? ` · bloqueado (${one.config.lock})` : ''}
						</td>
						<td>${one.config.cores ?? ''}</td>
						<td>${one.config.memory ?? ''} MiB</td>
					</tr>`
			),
			'Ningún contenedor.'
		)}
	</section>`;
}
