/*
 * The list of machines: however many there are, only the rows in sight exist. One tab
 * stop; the arrows move within it (the listbox pattern of ARIA).
 */
import {ago, bytes, ms, rate} from './format.js';
import {bar, byId, el, setAttribute, setText} from './dom.js';
import {OUTCOMES} from './story.js';

const BEYOND = 6; /* rows kept above and below those in sight */

/** What a machine is, in a few words. */
export function whatItIs(m) {
	const made = [m.vendor, m.product].filter(Boolean).join(' ');
	return [made, m.address, m.arch_name].filter(Boolean).join(' · ') || 'not known yet';
}

export const pace = (transfer) => transfer.rate > 0 ? rate(transfer.rate) : 'waiting';

/** What it is doing, or what became of it. */
export function whatItDoes(m, transfers) {
	const t = transfers[0];
	if (t) {
		const part = t.total ? `${Math.floor(100 * t.bytes / t.total)} %` : bytes(t.bytes);
		return `${t.name} ${part} · ${pace(t)}`;
	}
	return m.boot?.verdict?.text ?? OUTCOMES[m.boot?.outcome]?.word ?? (m.last_seen ? 'Seen on the network' : 'Not seen yet');
}

/** All bytes of all its transfers as 0…1; null: the size is not known. */
export function partDone(transfers) {
	const total = transfers.reduce((sum, t) => sum + (t.total ?? NaN), 0);
	const done = transfers.reduce((sum, t) => sum + t.bytes, 0);
	return total > 0 ? Math.min(1, done / total) : null;
}

export const toneOf = (m) => OUTCOMES[m.boot?.outcome]?.tone ?? 'none';

function makeRow() {
	const parts = {
		mark: el('span', {class: 'mark', 'aria-hidden': 'true'}),
		name: el('span', {class: 'mac'}),
		state: el('span', {class: 'badge'}),
		when: el('span', {class: 'when'}),
		what: el('span', {class: 'what'}),
		does: el('span', {class: 'does'}),
		bar: bar('Transfer'),
	};
	const row = el('div', {class: 'row', role: 'option'}, parts.mark,
		el('span', {class: 'first'}, parts.name, parts.state, parts.when),
		parts.does, parts.what, parts.bar);
	row.parts = parts;
	return row;
}

function fillRow(row, {m, transfers}, now) {
	const {mark, name, state, when, what, does, bar} = row.parts;
	setAttribute(row, 'data-tone', toneOf(m));
	setAttribute(mark, 'data-tone', toneOf(m));
	setText(name, m.id);
	setText(state, m.state === 'boot' ? '' : m.once_used ? 'once, used' : m.state);
	setText(when, m.last_seen ? ago(now - ms(m.last_seen)) : '');
	setText(what, whatItIs(m));
	setText(does, whatItDoes(m, transfers));
	bar.hidden = transfers.length === 0;
	if (transfers.length > 0) {
		const part = partDone(transfers);
		bar.set(part, part === null ? 'size not known' : `${Math.round(part * 100)} %`);
	}
}

/**
 * on.open(id): a machine was chosen. select(id) marks the one whose story is open;
 * inSight() gives the ids of the rows drawn.
 */
export function listView(on) {
	const list = byId('list');
	const space = el('div', {class: 'space', role: 'presentation'});
	const rows = new Map(); /* id → row */
	let entries = [], active = null, selected = null, height = 72;
	list.append(space);

	const indexOf = (id) => entries.findIndex((entry) => entry.m.id === id);

	function range() {
		const from = Math.max(0, Math.floor(list.scrollTop / height) - BEYOND);
		const n = Math.ceil(list.clientHeight / height) + 2 * BEYOND;
		return [from, Math.min(entries.length, from + n)];
	}

	function place(entry, i, now) {
		const id = entry.m.id, row = rows.get(id) ?? makeRow();
		if (!rows.has(id)) {
			row.id = `m-${id}`;
			row.addEventListener('click', () => choose(id));
			rows.set(id, row);
			space.append(row);
		}
		row.style.transform = `translateY(${i * height}px)`;
		setAttribute(row, 'aria-posinset', i + 1);
		setAttribute(row, 'aria-setsize', entries.length);
		setAttribute(row, 'aria-selected', id === selected);
		setAttribute(row, 'data-active', id === active);
		fillRow(row, entry, now);
	}

	function paint() {
		const [from, to] = range(), now = Date.now();
		const shown = new Set();
		for (let i = from; i < to; i++) {
			place(entries[i], i, now);
			shown.add(entries[i].m.id);
		}
		for (const [id, row] of rows)
			if (!shown.has(id)) {
				row.remove();
				rows.delete(id);
			}
		setAttribute(list, 'aria-activedescendant', rows.get(active)?.id);
	}

	function choose(id) {
		active = id;
		on.open(id);
		paint();
	}

	function reveal(id) {
		const i = indexOf(id);
		if (i < 0)
			return;
		const top = i * height;
		if (top < list.scrollTop)
			list.scrollTop = top;
		else if (top + height > list.scrollTop + list.clientHeight)
			list.scrollTop = top + height - list.clientHeight;
	}

	function moveTo(i) {
		if (entries.length === 0)
			return;
		active = entries[Math.max(0, Math.min(entries.length - 1, i))].m.id;
		reveal(active);
		paint();
	}

	function key(event) {
		const page = Math.max(1, Math.floor(list.clientHeight / height) - 1);
		const at = indexOf(active);
		const moves = {
			ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, Home: 0, End: entries.length - 1,
			PageDown: at + page, PageUp: at - page,
		};
		if (event.key in moves)
			moveTo(moves[event.key]);
		else if ((event.key === 'Enter' || event.key === ' ') && at >= 0)
			choose(active);
		else
			return;
		event.preventDefault();
	}

	list.addEventListener('scroll', () => requestAnimationFrame(paint), {passive: true});
	list.addEventListener('keydown', key);
	list.addEventListener('focus', () => indexOf(active) < 0 && moveTo(0));
	new ResizeObserver(() => {
		height = parseFloat(getComputedStyle(list).getPropertyValue('--row')) || height;
		space.style.height = `${entries.length * height}px`;
		paint();
	}).observe(list);

	/* What is being looked at stays where it is when machines come in above it. */
	function hold(change) {
		const i = Math.floor(list.scrollTop / height), held = entries[i]?.m.id;
		const offset = list.scrollTop - i * height;
		change();
		const now = list.scrollTop > 0 && held ? indexOf(held) : -1;
		if (now >= 0)
			list.scrollTop = now * height + offset;
	}

	return {
		/** `anew`: another search or order, to be read from the top. */
		draw(found, anew = false) {
			hold(() => {
				entries = found;
				space.style.height = `${entries.length * height}px`;
				if (anew)
					list.scrollTop = 0;
			});
			paint();
		},
		select(id) {
			selected = id;
			if (id)
				active = id;
			paint();
		},
		reveal,
		repaint: paint,
		inSight: () => [...rows.keys()],
		focus: () => list.focus(),
	};
}
