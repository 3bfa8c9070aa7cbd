import { html, type Html } from '../kernel/html.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { clusterOf } from '../proxmox/cluster.ts';
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
						</td>
					</tr>`
			),
			'Ningún nodo.'
		)}
		<h3>Almacenamientos</h3>
		${table(
			['Nombre', 'Tipo', 'Contenido', 'Tamaño', 'Estado'],
			storages.map(
				(one) =>
					html`<tr>
						<td>${one.storage}${one.shared ? ' (compartido)' : ''}</td>
						<td>${one.type}</td>
						<td>${one.content.join(', ')}</td>
						<td>${Math.round(one.totalBytes / GIB)} GiB</td>
						<td>${one.offline ? 'caído' : 'en línea'}</td>
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
