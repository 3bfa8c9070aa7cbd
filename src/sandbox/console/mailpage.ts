import { html } from '../kernel/html.ts';
import type { SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { mailDocument } from '../smtp/server.ts';
import { shell } from './shell.ts';

/** One message: the HTML part in a frame without scripts whose links work, or the text with its links. */
export function mailPage(kernel: Kernel, id: string): SandboxResponse {
	const mail = mailDocument(kernel)
		.get()
		.mails.find((entry) => entry.id === id);
	if (!mail) return { status: 404, body: 'No existe ese correo' };
	const links = [...`${mail.text} ${mail.html}`.matchAll(/https?:\/\/[^\s"'<>)]+/g)].map(([link]) =>
		link.replaceAll('&amp;', '&')
	);
	const framed = `<base target="_top">${mail.html}`;
	return shell(
		mail.subject,
		html`<p><a href="/#correo">← Correo</a></p>
			<h1>${mail.subject}</h1>
			<p>De <strong>${mail.from}</strong> para <strong>${mail.to.join(', ')}</strong></p>
			<ul>
				${[...new Set(links)].map((link) => html`<li><a href="${link}">${link}</a></li>`)}
			</ul>
			${
				mail.html
					? html`<iframe
							title="Mensaje"
							sandbox="allow-top-navigation-by-user-activation allow-popups"
							srcdoc="${framed}"
						></iframe>`
					: ''
			}
			<pre>${mail.text}</pre>`
	);
}
