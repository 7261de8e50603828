/* What the page asks pixie for, and the token that changes take. */
import {byId, setText} from './dom.js';

const KEPT = 'pixie-admin-token';

export class Refused extends Error {
	constructor(status, words) {
		super(words);
		this.status = status;
	}
}

/* Without a registry there is no API, and its names are those of missing files. */
const noRecord = 'This pixie keeps no record of machines and boots: it was started with --no-timeline.';

async function answer(reply) {
	const body = await reply.json().catch(() => ({}));
	if (reply.status === 404 && !body.error)
		throw new Refused(404, noRecord);
	if (!reply.ok)
		throw new Refused(reply.status, body.error ?? `pixie answered ${reply.status}`);
	return body;
}

const get = async (path) => answer(await fetch(path, {cache: 'no-store'}));

const machinePath = (id) => `/api/v1/machines/${encodeURIComponent(id)}`;

export const version = () => get('/api/v1/version');
export const machines = () => get('/api/v1/machines');
export const machine = (id) => get(machinePath(id));
export const roms = () => get('/api/v1/roms');

/* Resolves to the token typed, or null when the dialog was left. */
function askForToken(why) {
	const dialog = byId('ask'), input = byId('token');
	setText(byId('ask-why'), why);
	input.value = '';
	dialog.returnValue = '';
	return new Promise((resolve) => {
		byId('ask-cancel').onclick = () => dialog.close('');
		dialog.onclose = () => resolve(dialog.returnValue === 'token' ? input.value.trim() : null);
		dialog.showModal();
		input.focus();
	});
}

/* Runs ask(token), asking for the token anew as often as it is refused. */
async function withToken(ask) {
	let why = '';
	for (;;) {
		const token = sessionStorage.getItem(KEPT) ?? await askForToken(why);
		if (!token)
			return null;
		try {
			const result = await ask(token);
			sessionStorage.setItem(KEPT, token);
			return result;
		} catch (error) {
			if (error.status !== 401)
				throw error;
			sessionStorage.removeItem(KEPT);
			why = `Refused: ${error.own ? error.message : 'that is not the token of this pixie.'}`;
		}
	}
}

/* A header takes no control characters and nothing beyond Latin-1; no token has those. */
function change(method, path, body) {
	return withToken(async (token) => {
		if (!/^[\x21-\x7e]+$/.test(token))
			throw Object.assign(new Refused(401, 'no token has such characters in it.'), {own: true});
		return answer(await fetch(path, {
			method, cache: 'no-store', body,
			headers: {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'},
		}));
	});
}

/** The machine as it is now, or null when no token was given. Throws Refused. */
export const setState = (id, state) =>
	change('PUT', `${machinePath(id)}/state`, JSON.stringify({state, by: 'page'}));
