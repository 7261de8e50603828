/* One machine: who it is, what became of its last boot and what to do, and the story. */
import {ago, bytes, clock, count, duration, ms} from './format.js';
import {bar, el, setAttribute, setText} from './dom.js';
import {pace, partDone, toneOf} from './list.js';
import {OUTCOMES, bootTime} from './story.js';
import {timelineView} from './timeline.js';

export const STATES = {
	boot: 'its script, at every boot',
	once: 'its script in one boot, then its local disk',
	local: 'its local disk',
	ignore: 'nothing: pixie stays silent',
};

/* What it gets; a state `once` that was used up looks like one that was not. */
const whatItGets = (m) => m.once_used ?
	'Its script was given once: it boots its local disk from now on. Press Once to give it again.' :
	`Gets ${STATES[m.state] ?? m.state}.`;

/* Who set the state, by the word that pixie has for them. */
const SETTERS = {
	page: 'Set on this page.', api: 'Set over HTTP.', cli: 'Set by pixie set.',
	socket: 'Set over the control socket.', done: 'It reported that it was done.',
	script: 'So says its script.',
};
const whoSet = (by) => by ? SETTERS[by] ?? `Set by ${by}.` : '';

const BOOTS_SHOWN = 12;

function facts(m) {
	const firmware = [m.arch_name, m.arch_name?.includes(m.firmware) ? null : m.firmware].filter(Boolean);
	const others = (m.macs ?? []).filter((mac) => mac !== m.id);
	return [
		['Address', m.address], ['Firmware', firmware.join(', ')],
		['Serial', m.serial], ['UUID', m.uuid], ['Also', others.join(', ')],
		['First seen', clock(m.first_seen)],
		['Last seen', m.last_seen && `${ago(Date.now() - ms(m.last_seen))} ago`],
	].filter(([, value]) => value).map(([name, value]) =>
		el('div', {}, el('dt', {}, name), el('dd', {}, value === 'now ago' ? 'now' : value)));
}

function scriptLink(m) {
	if (!m.script)
		return [el('span', {class: 'muted'}, 'It has no script')];
	const path = m.script.split('/').map(encodeURIComponent).join('/');
	return [el('span', {class: 'muted'}, 'Script '), el('a', {href: `/ipxe/${path}`}, m.script)];
}

function verdictWords(boot, now, seen) {
	if (!boot && !seen)
		return {title: 'Not seen yet', text: 'Its state is set; it has not asked pixie for anything.',
			next: 'Start it from the network. If it does not turn up, compare its MAC address.'};
	if (!boot)
		return {title: 'Has not booted from here yet', text: 'It was seen on the network.', next: ''};
	const took = duration(bootTime(boot, now));
	const titles = {
		running: `Booting for ${took}`, booted: `Booted in ${took}`, done: `Installed in ${took}`,
		local: 'Boots from its local disk', failed: 'Did not boot', quiet: `Went quiet after ${took}`,
	};
	return {
		title: titles[boot.outcome] ?? boot.outcome,
		text: boot.verdict?.text ?? (boot.outcome === 'running' ? 'All is well so far.' : ''),
		next: boot.verdict?.next ?? '',
	};
}

function verdictView() {
	const title = el('h3', {}), text = el('p', {class: 'text'});
	const label = el('b', {}, 'Next step'), words = el('span', {}), next = el('p', {class: 'next'}, label, ' ', words);
	const node = el('div', {class: 'verdict'}, title, text, next);
	return {
		node,
		draw(boot, seen) {
			const say = verdictWords(boot, Date.now(), seen);
			setAttribute(node, 'data-tone', OUTCOMES[boot?.outcome]?.tone ?? 'none');
			setText(title, say.title);
			setText(text, say.text);
			text.hidden = !say.text;
			setText(words, say.next);
			next.hidden = !say.next;
		},
	};
}

/* `change(state)` is asked for; `why` says why nothing can be changed, if so. */
function stateView(change) {
	const by = el('p', {class: 'muted small', id: 'state-by'});
	const error = el('p', {class: 'why', role: 'alert'});
	const buttons = Object.entries(STATES).map(([state, what]) => el('button', {
		type: 'button', 'data-state': state, title: what, 'aria-describedby': 'state-by',
		onclick: () => change(state),
	}, state[0].toUpperCase() + state.slice(1)));
	const node = el('div', {class: 'state'},
		el('div', {class: 'choices', role: 'group', 'aria-label': 'What it is given'}, ...buttons),
		by, error);
	return {
		node,
		draw(m, {busy, why}) {
			for (const button of buttons) {
				setAttribute(button, 'aria-pressed', String(button.dataset.state === m.state));
				setAttribute(button, 'aria-disabled', busy || why ? 'true' : null);
			}
			setText(by, [whatItGets(m), whoSet(m.state_by), why].join(' ').trim());
		},
		say(words) {
			setText(error, words);
		},
	};
}

function transfersView() {
	const node = el('div', {class: 'transfers'}), rows = new Map();
	function make(name) {
		const row = el('div', {class: 'transfer'});
		row.name = el('span', {class: 'file'}, name);
		row.how = el('span', {class: 'how'});
		row.bar = bar(name);
		row.append(row.name, row.how, row.bar);
		return row;
	}
	return {
		node,
		draw(transfers) {
			const names = new Set(transfers.map((t) => t.name));
			for (const [name, row] of rows)
				if (!names.has(name)) {
					row.remove();
					rows.delete(name);
				}
			for (const t of transfers.slice(0, 8)) {
				const row = rows.get(t.name) ?? make(t.name), part = partDone([t]);
				rows.set(t.name, row);
				const of = t.total ? `${bytes(t.bytes)} of ${bytes(t.total)}` : bytes(t.bytes);
				setText(row.how, `${of} · ${pace(t)}${part === null ? '' : ` · ${Math.floor(part * 100)} %`}`);
				row.bar.set(part, of);
				if (!row.isConnected)
					node.append(row);
			}
		},
	};
}

/* The last boots as a row of buttons, newest first. */
function bootsView(choose) {
	const row = el('div', {class: 'boots', role: 'group', 'aria-label': 'Boots'});
	let drawn = '';
	return {
		node: row,
		draw(boots, chosen) {
			const shown = boots.slice(-BOOTS_SHOWN).reverse();
			const key = JSON.stringify([shown.map((b) => [b.began, b.outcome]), chosen.began]);
			if (key === drawn)
				return;
			drawn = key;
			const had = row.contains(document.activeElement);
			row.replaceChildren(...shown.map((b) => el('button', {
				type: 'button', 'data-tone': OUTCOMES[b.outcome]?.tone ?? 'none',
				'aria-pressed': String(b === chosen), onclick: () => choose(b.began),
				title: clock(b.began),
			}, el('span', {class: 'mark', 'aria-hidden': 'true'}), `${b.number}`,
				el('span', {class: 'unseen'}, `, ${OUTCOMES[b.outcome]?.word ?? b.outcome}`))));
			if (had)
				row.querySelector('[aria-pressed=true]')?.focus();
			row.hidden = shown.length < 2;
		},
	};
}

/**
 * The view of machine `id`. on.change(state) sets it. draw(record) with record = {m, boots,
 * lost}; rights = {busy, why}.
 */
export function machineView(id, on) {
	let began = null; /* of the boot looked at; null: the last. Numbers are not unique */
	let last = null, scripted;
	const heading = el('h2', {class: 'mac', tabindex: '-1'}, id), sub = el('p', {class: 'muted'});
	const verdict = verdictView(), state = stateView(on.change), transfers = transfersView();
	const timeline = timelineView(), boots = bootsView(choose);
	const script = el('p', {class: 'script'}), list = el('dl', {class: 'facts'});
	const when = el('p', {class: 'muted small'});
	const storyPart = el('section', {class: 'story', 'aria-label': 'The story of the boot'},
		el('div', {class: 'story-head'}, el('h3', {}, 'Story'), when, boots.node),
		timeline.node, transfers.node);
	const node = el('div', {class: 'machine'},
		el('a', {class: 'back', href: '#/'}, 'All machines'),
		el('div', {class: 'head'}, el('div', {}, heading, sub), script),
		verdict.node, state.node, storyPart, list);

	function choose(wanted) {
		began = wanted;
		timeline.reset();
		draw(...last);
	}

	function draw(record, rights) {
		last = [record, rights];
		const {m} = record, newest = record.boots.at(-1);
		const boot = record.boots.find((b) => b.began === began) ?? newest;
		const moving = boot === newest ? record.transfers : [];
		setAttribute(node, 'data-tone', toneOf(m));
		setText(sub, [m.vendor, m.product].filter(Boolean).join(' ') || 'Maker and product not known yet');
		if (scripted !== m.script)
			script.replaceChildren(...scriptLink(m));
		scripted = m.script;
		verdict.draw(boot ?? m.boot, m.last_seen);
		state.draw(m, rights);
		storyPart.hidden = !boot;
		if (boot) {
			timeline.draw(boot, partDone(moving));
			transfers.draw(moving);
			boots.draw(record.boots, boot);
			const lost = record.lost > 0 ? `, ${count(record.lost, 'older event')} not kept` : '';
			setText(when, `Boot ${boot.number}, ${clock(boot.began)}${lost}`);
		}
		list.replaceChildren(...facts(m));
	}

	return {id, node, draw, say: state.say, focus: () => heading.focus()};
}
