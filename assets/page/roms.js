/* The ROMs inside and beside this pixie, with the slots that nobody has filled. */
import {bytes} from './format.js';
import {el} from './dom.js';

const HEADS = ['Name', 'For', 'Size', 'SHA-256', 'Source'];

const cell = (head, ...children) => el('td', {'data-head': head}, ...children);

function rowOf(rom) {
	const full = rom.bytes > 0, what = cell('For', rom.what ?? rom.arch ?? '');
	const name = full ? el('a', {href: `/${encodeURIComponent(rom.name)}`}, rom.name) : rom.name;
	const head = el('th', {scope: 'row'}, name,
		rom.alias ? el('span', {class: 'alias'}, `also ${rom.alias}`) : null);
	if (!full)
		return el('tr', {class: 'empty'}, head, what,
			el('td', {colspan: '3'}, 'Empty slot: give it a file with --roms DIR'));
	return el('tr', {}, head, what, cell('Size', bytes(rom.bytes)),
		cell('SHA-256', el('code', {title: rom.sha256}, (rom.sha256 ?? '').slice(0, 12))),
		cell('Source', rom.source ?? '', rom.same_as ? `; the same file as ${rom.same_as}` : null));
}

export function romsTable(list) {
	return el('div', {class: 'page'},
		el('h2', {}, 'ROMs'),
		el('p', {class: 'muted'}, 'What a machine’s firmware is handed, by TFTP and HTTP. ' +
			'Your own go into the directory that --roms names.'),
		el('table', {},
			el('thead', {}, el('tr', {}, ...HEADS.map((head) => el('th', {scope: 'col'}, head)))),
			el('tbody', {}, ...list.map(rowOf))));
}
