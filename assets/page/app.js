/* The page: what pixie tells goes into the model, and the model is drawn once a frame. */
import * as api from './api.js';
import {byId, el, oncePerFrame, setAttribute, setText} from './dom.js';
import {count, duration, ms} from './format.js';
import {listView} from './list.js';
import {live} from './live.js';
import {machineView} from './machine.js';
import {GROUPS, Model} from './model.js';
import {romsTable} from './roms.js';
import {welcome} from './welcome.js';

const SORT_MS = 300; /* the list is put in order anew at most so often */
const EVENTS_KEPT = 2000; /* of one boot */

const model = new Model();
const wish = {query: '', group: 'all', order: 'boot'};
const stale = new Set(); /* ids to be asked for again */
let server = null, loaded = false, stream = null;
let open = null; /* {view, record, waiting} of the machine whose story is shown */
let busy = false, listAnew = true, listCost = 0, lastLoad = 0;
let sortedAt = 0, sortedChanges = -1, sortLater = 0;

const list = listView({open: (id) => go(`#/m/${encodeURIComponent(id)}`)});
const draw = oncePerFrame(drawAll);

/* Words: what appears, and what a screen reader is told. */

function notice(text, tone = 'warn') {
	const same = [...byId('notices').children].find((n) => n.dataset.text === text);
	same?.remove();
	const node = el('div', {class: 'notice', 'data-tone': tone, 'data-text': text, role: 'status'},
		el('span', {}, text),
		el('button', {type: 'button', 'aria-label': 'Dismiss', onclick: () => node.remove()}, '×'));
	byId('notices').append(node);
	while (byId('notices').children.length > 3)
		byId('notices').firstChild.remove();
}

const speak = (text) => setText(byId('spoken'), text);

/* Drawing */

function drawGroups() {
	const counts = model.counts();
	const box = byId('groups');
	if (box.children.length === 0)
		box.append(...GROUPS.map(([id, title]) => el('button', {
			type: 'button', 'data-group': id, onclick: () => choose({group: id}),
		}, `${title} `, el('span', {class: 'n'}))));
	for (const button of box.children) {
		setAttribute(button, 'aria-pressed', String(button.dataset.group === wish.group));
		setText(button.querySelector('.n'), counts[button.dataset.group].toLocaleString('en'));
	}
}

function drawList() {
	const now = performance.now(), wait = SORT_MS - (now - sortedAt);
	if (!listAnew && (wait > 0 || model.changes === sortedChanges)) {
		if (model.changes !== sortedChanges && !sortLater)
			sortLater = setTimeout(() => { sortLater = 0; draw(); }, wait);
		list.repaint();
		return;
	}
	sortedAt = now;
	sortedChanges = model.changes;
	const found = model.list(wish);
	list.draw(found, listAnew);
	listAnew = false;
	const none = byId('none');
	none.hidden = found.length > 0 || !loaded;
	setText(none, wish.query ? `No machine matches “${wish.query}”.` : 'No machine here.');
	drawGroups();
}

function drawMachine() {
	if (!open?.record)
		return;
	const {view, record} = open, m = model.machine(view.id);
	if (m)
		record.m = m;
	record.transfers = model.transfers(view.id);
	view.draw(record, {busy, why: whyNot(record.m)});
}

/* Why this machine cannot be changed from here; '' when it can. */
function whyNot(m) {
	if (server?.changes !== 'token')
		return 'Changes over HTTP are off: use pixie set, or start pixie with --admin-token FILE.';
	return m.mac ? '' : 'It cannot be changed: its MAC address is not known.';
}

function drawAbout() {
	if (!server)
		return;
	const up = duration(Date.now() - ms(server.started));
	const store = server.store?.ok === false ? ` · history is not being kept: ${server.store.why}` : '';
	setText(byId('about'), `pixie ${server.version} · up ${up}${store}`);
	setAttribute(byId('about'), 'data-tone', store ? 'bad' : null);
}

function drawAll() {
	const empty = loaded && model.size === 0 && route().view !== 'roms';
	if (empty && !byId('welcome').firstChild)
		byId('welcome').append(welcome());
	byId('main').dataset.view = empty ? 'welcome' : route().view;
	byId('welcome').hidden = !empty;
	byId('machines').hidden = empty || route().view === 'roms';
	byId('detail').hidden = empty || route().view === 'roms';
	byId('roms').hidden = route().view !== 'roms';
	drawList();
	drawMachine();
	drawAbout();
}

/* Where we are: #/, #/m/ID, #/roms */

function route() {
	const hash = location.hash;
	if (hash.startsWith('#/m/'))
		return {view: 'machine', id: decodeURIComponent(hash.slice(4))};
	return {view: hash === '#/roms' ? 'roms' : 'machines'};
}

function go(hash) {
	if (location.hash === hash)
		follow();
	else
		location.hash = hash;
}

function placeholder() {
	return el('div', {class: 'placeholder'}, el('p', {}, 'Choose a machine to read its boot story.'),
		el('p', {class: 'muted small'}, el('kbd', {}, '/'), ' searches, ', el('kbd', {}, '↑'), ' ',
			el('kbd', {}, '↓'), ' move, ', el('kbd', {}, 'Enter'), ' opens.'));
}

function openMachine(id) {
	const view = machineView(id, {change: (state) => change(id, state)});
	const m = model.machine(id);
	open = {view, record: m ? {m, boots: [], lost: 0} : null, waiting: new Set()};
	byId('detail').replaceChildren(view.node);
	byId('detail').scrollTop = 0;
	list.select(id);
	list.reveal(id);
	loadMachine(id).then(() => narrow() && view.focus());
}

const narrow = () => matchMedia('(max-width: 800px)').matches;

function follow() {
	const {view, id} = route();
	setAttribute(byId('nav-machines'), 'aria-current', view === 'roms' ? null : 'page');
	setAttribute(byId('nav-roms'), 'aria-current', view === 'roms' ? 'page' : null);
	if (view === 'machine' && open?.view.id !== id) {
		openMachine(id);
	} else if (view === 'machines') {
		open = null;
		list.select(null);
		byId('detail').replaceChildren(placeholder());
	} else if (view === 'roms') {
		loadRoms();
	}
	document.title = view === 'machine' ? `${id} · pixie` : 'pixie';
	draw();
}

/* Asking pixie */

async function loadMachines() {
	const began = performance.now();
	stale.clear();
	const {seq, machines} = await api.machines();
	model.load(machines);
	loaded = listAnew = true;
	lastLoad = performance.now();
	listCost = lastLoad - began;
	draw();
	return seq;
}

/*
 * What the stream tells while an answer is on its way is put behind it. Answers may
 * overtake each other: each has its own list.
 */
async function loadMachine(id) {
	const meanwhile = [], waiting = open?.view.id === id ? open.waiting : new Set();
	waiting.add(meanwhile);
	try {
		const {boots = [], lost = 0, ...m} = await api.machine(id);
		model.put(m);
		if (open?.view.id === id) {
			if (!open.view.node.isConnected) /* it was not known when it was opened */
				byId('detail').replaceChildren(open.view.node);
			open.record = {m, boots, lost};
			meanwhile.forEach(addToStory);
		}
	} catch (error) {
		if (error.status === 404 && open?.view.id === id && !model.machine(id))
			byId('detail').replaceChildren(el('div', {class: 'placeholder'},
				el('p', {}, `pixie does not know ${id}.`), el('a', {href: '#/'}, 'All machines')));
	}
	waiting.delete(meanwhile);
	draw();
}

async function loadRoms() {
	try {
		byId('roms').replaceChildren(romsTable((await api.roms()).roms));
	} catch (error) {
		byId('roms').replaceChildren(el('p', {class: 'page'}, error.message));
	}
}

async function loadServer() {
	const before = server?.started;
	server = await api.version();
	draw();
	return before !== undefined && before !== server.started;
}

async function change(id, state) {
	if (busy || whyNot(model.machine(id) ?? {}))
		return;
	const view = open?.view;
	busy = true;
	view?.say('');
	draw();
	try {
		const m = await api.setState(id, state);
		if (m) {
			model.put(m);
			speak(`${id} is now ${m.state}`);
			if (m.warning)
				view?.say(`It holds, but is not on disk yet: ${m.warning}`);
		}
	} catch (error) {
		view?.say(`Not changed: ${error.message}`);
	}
	busy = false;
	draw();
}

/* A few machines are asked for one by one, many as the whole list, never in a storm. */
async function refresh() {
	const shown = list.inSight().filter((id) => stale.has(id));
	if (open && stale.has(open.view.id))
		shown.push(open.view.id);
	const few = [...new Set(shown)];
	if (stale.size === 0 || document.hidden)
		return;
	if (few.length === stale.size && few.length <= 8) {
		stale.clear();
		await Promise.all(few.map(loadMachine));
	} else if (performance.now() - lastLoad > Math.max(3000, 20 * listCost)) {
		await reloadAll();
	}
}

async function refreshForever() {
	for (;;) {
		await new Promise((resolve) => setTimeout(resolve, 500));
		await refresh().catch(() => {});
	}
}

/* The newest state of all, without moving what is being read. */
async function reloadQuietly() {
	const anew = listAnew;
	const seq = await loadMachines();
	listAnew = anew;
	return seq;
}

/* The stream */

function addToStory(event) {
	const boots = open.record.boots;
	/* Numbers begin anew with each life of the server: only the last of a number can go on. */
	let boot = boots.at(-1);
	if (boot?.number !== event.boot || (event.kind === 'boot' && boot.events.length > 0 &&
		boot.events[0].seq !== event.seq)) {
		boot = {number: event.boot, began: event.time, ended: null, outcome: 'running', verdict: null,
			events: []};
		boots.push(boot);
	}
	if (boot.events.length < EVENTS_KEPT && !(boot.events.at(-1)?.seq >= event.seq))
		boot.events.push(event);
}

function onStory(event) {
	if (model.take(event))
		stale.add(event.id);
	if (event.id === open?.view.id && event.boot) {
		open.waiting.forEach((meanwhile) => meanwhile.push(event));
		if (open.record)
			addToStory(event);
	}
	if (event.kind === 'verdict' && event.id === open?.view.id)
		speak(`${event.id}: ${event.text}`);
	if (event.kind === 'server')
		loadServer().catch(() => {});
}

async function onLost({lost}) {
	if (lost > 0)
		notice(`${count(lost, 'event was', 'events were')} missed; everything was loaded again.`);
	await reloadAll().catch(() => {});
}

async function reloadAll() {
	const seq = await reloadQuietly();
	if (open)
		await loadMachine(open.view.id);
	return seq;
}

function onEvent(name, data) {
	if (name === 'progress')
		model.progress(data.transfers, data.more > 0);
	else if (name === 'lost')
		onLost(data);
	else if (data.kind)
		onStory(data);
	draw();
}

async function onAgain() {
	if (!await loadServer())
		return;
	stream.resumeAfter(await reloadAll());
	notice('pixie was started anew.');
}

function onLink(state, seconds) {
	const words = {
		connecting: 'Connecting', live: 'Live',
		waiting: `Not connected; trying again in ${seconds} s`,
	};
	if (state === 'live')
		document.querySelector('.notice[data-tone=bad]')?.remove();
	byId('link').dataset.link = state;
	setText(byId('link').firstElementChild, words[state]);
}

/* What people do */

function choose(change) {
	Object.assign(wish, change);
	listAnew = true;
	draw();
}

function onKey(event) {
	const typing = event.target.closest('input, textarea, select, dialog');
	if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
		event.preventDefault();
		byId('search').focus();
		byId('search').select();
	} else if (event.key === 'Escape' && event.target === byId('search')) {
		byId('search').value = '';
		choose({query: ''});
		list.focus();
	} else if (event.key === 'ArrowDown' && event.target === byId('search')) {
		event.preventDefault();
		list.focus();
	}
}

async function begin() {
	for (;;) {
		try {
			await loadServer();
			const seq = await loadMachines();
			follow();
			stream = live(seq, {event: onEvent, link: onLink, again: onAgain});
			return;
		} catch (error) {
			onLink('waiting', 2);
			if (error instanceof api.Refused)
				notice(error.message, 'bad');
			await new Promise((resolve) => setTimeout(resolve, 2000));
		}
	}
}

byId('search').addEventListener('input', (event) => choose({query: event.target.value}));
byId('sort').addEventListener('change', (event) => choose({order: event.target.value}));
addEventListener('keydown', onKey);
addEventListener('hashchange', follow);
setInterval(() => document.hidden || draw(), 1000);
follow();
begin();
refreshForever();
