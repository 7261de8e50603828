#define _GNU_SOURCE
#include "boot/own_script.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "boot/machine_script.h"
#include "boot/name.h"
#include "boot/script.h"
#include "boot/script_log.h"
#include "boot/script_state.h"
#include "boot/tree.h"

#define DONE_MARK "${pixie-done}"
/* What is larger is an image under a script's name: sent as it is. */
#define SCRIPT_MAX (1u << 20)

bool
own_script_whose(const struct site *site, const struct asked *asked, struct mac *mac)
{
	struct machine_view m;
	char text[MAC_TEXT + 1];

	if (name_from_query(asked->query, "mac", text, sizeof(text)) &&
		mac_parse(text, strlen(text), mac))
		return true;
	if (asked->peer != NULL && site->registry != NULL &&
		registry_machine_at(site->registry, asked->peer, &m) && m.has_mac) {
		*mac = m.mac;
		return true;
	}
	if (asked->who == NULL || !asked->who->has_mac)
		return false;
	*mac = asked->who->mac;
	return true;
}

static bool
is_script(const struct content *c)
{
	return content_size(c) > 0 && content_size(c) <= SCRIPT_MAX;
}

/* All of a script in memory, from malloc; NULL when it changed meanwhile, or no memory.
 */
static char *
read_script(struct content *c, size_t *len)
{
	char *text;

	*len = (size_t)content_size(c);
	text = malloc(*len);
	if (text != NULL &&
		(content_read(c, 0, text, *len) < 0 || content_check(c) < 0)) {
		free(text);
		return NULL;
	}
	return text;
}

/* What it says of its state must not be guessed: iPXE asks again in some seconds. */
static void
ask_again(struct resolution *r)
{
	resolution_done(r);
	r->kind = RESOLVED_BUSY;
	snprintf(r->note, sizeof(r->note), "%.200s changed while it was read", r->name);
}

static enum machine_state
state_in(const char *text, size_t len, const struct mac *mac)
{
	char who[MAC_TEXT];
	const char *wrong;
	size_t n;
	enum machine_state state = script_state(text, len, &wrong, &n);

	if (wrong != NULL) {
		enum log_level level = script_log_level();

		LOG_AT(level, mac_text(mac, who), "script-state", MEM("word", wrong, n),
			STR("why", "not a state: write '# pixie: once' (or boot, local, "
				   "ignore)"));
	}
	return state;
}

/* Puts `text` (of malloc) in the place of the file. */
static void
give_text(struct resolution *r, char *text, size_t len)
{
	content_unref(r->content);
	r->content = content_owned(text, len, content_type_of("x.ipxe"));
	if (r->content == NULL) {
		r->kind = RESOLVED_BUSY;
		snprintf(r->note, sizeof(r->note), "out of memory");
	}
}

static bool
has_mark(const char *text, size_t len)
{
	return memmem(text, len, DONE_MARK, strlen(DONE_MARK)) != NULL;
}

static void
log_no_done(const char *who, const struct resolution *r, const char *why)
{
	enum log_level level = script_log_level();

	LOG_AT(level, who, "script-done", STR("script", r->name), STR("why", why));
}

/* "http://ADDR:PORT/done/TOKEN" for each mark; the token is that of this boot. */
static void
fill_in(const struct site *site, const struct asked *asked, const struct mac *mac,
	const char *text, size_t len, struct resolution *r)
{
	char url[BASE_TEXT + 8 + DONE_TOKEN_TEXT], base[BASE_TEXT];
	char token[DONE_TOKEN_TEXT], who[MAC_TEXT];
	size_t out_len;
	char *out;

	if (!registry_done_token(site->registry, mac, token)) {
		log_no_done(mac_text(mac, who), r,
			"no token could be made: ${pixie-done} is left empty");
		return;
	}
	snprintf(url, sizeof(url), "%s/done/%s", script_base(site, asked, base), token);
	out = script_replace(text, len, DONE_MARK, url, &out_len);
	if (out != NULL)
		give_text(r, out, out_len);
}

/* What stands for the machine's script or menu: the way to its disk. */
static void
give_local(const struct asked *asked, const struct mac *mac, enum machine_state state,
	const struct site *site, struct resolution *r)
{
	struct sighting who = SIGHTING_NONE;

	resolution_done(r);
	r->content = script_local(state);
	r->kind = r->content ? RESOLVED_CONTENT : RESOLVED_BUSY;
	snprintf(r->note, sizeof(r->note), "%s",
		!r->content             ? "out of memory"
		: state == STATE_IGNORE ? "boot from the local disk (state: ignore)"
					: "boot from the local disk");
	who.mac = *mac;
	who.has_mac = who.mac_in_name = true;
	if (asked->purpose == FOR_BOOT)
		registry_tell(site->registry, &who,
			&(struct event){.kind = EV_LOCAL,
				.arch = -1,
				.via = asked->over_http ? VIA_HTTP : VIA_TFTP,
				.name = r->name,
				.text = machine_state_text(state)});
}

/* The file that it is: what was found in the place of the name, else the name. */
static const char *
file_of(const struct resolution *r)
{
	return *r->note ? r->note : name_last(r->name);
}

/* Told first: it may begin the boot that the `once` and the token are of. */
static void
serve_script(const struct site *site, const struct asked *asked, const struct mac *mac,
	enum machine_state in_script, const struct resolution *r)
{
	struct sighting who = SIGHTING_NONE;

	who.mac = *mac;
	who.has_mac = who.mac_in_name = true;
	registry_tell(site->registry, &who,
		&(struct event){.kind = EV_SCRIPT,
			.arch = -1,
			.via = asked->over_http ? VIA_HTTP : VIA_TFTP,
			.name = file_of(r)});
	/* An empty file is one that is just being written: it says nothing. */
	if (is_script(r->content))
		registry_script_served(site->registry, mac, in_script);
}

void
own_script_give(const struct site *site, const struct asked *asked, const struct mac *mac,
	struct resolution *r)
{
	enum machine_state state, in_script = STATE_BOOT;
	bool found = r->kind == RESOLVED_CONTENT;
	size_t len = 0;
	char *text = NULL;

	if (site->registry == NULL || asked->purpose == FOR_READING ||
		!(found || r->kind == RESOLVED_NOT_FOUND))
		return;
	if (found && is_script(r->content)) {
		text = read_script(r->content, &len);
		if (text == NULL) {
			ask_again(r);
			return;
		}
		in_script = state_in(text, len, mac);
	}
	if (asked->purpose == FOR_BOOT)
		registry_asks(site->registry, mac, asked->over_http ? VIA_HTTP : VIA_TFTP,
			r->name);
	state = registry_state(site->registry, mac, in_script);
	if (state == STATE_LOCAL || state == STATE_IGNORE) {
		give_local(asked, mac, state, site, r);
	} else if (found) {
		if (asked->purpose == FOR_BOOT)
			serve_script(site, asked, mac, in_script, r);
		if (text != NULL && has_mark(text, len))
			fill_in(site, asked, mac, text, len, r);
	}
	free(text);
}

void
own_script_fill_in(
	const struct site *site, const struct asked *asked, struct resolution *r)
{
	size_t n = strlen(r->name), len;
	struct mac mac;
	char *text;

	if (site->registry == NULL || asked->purpose == FOR_READING ||
		r->kind != RESOLVED_CONTENT || n < 5 ||
		strcasecmp(r->name + n - 5, ".ipxe") != 0)
		return;
	text = is_script(r->content) ? read_script(r->content, &len) : NULL;
	if (text != NULL && has_mark(text, len)) {
		if (own_script_whose(site, asked, &mac))
			fill_in(site, asked, &mac, text, len, r);
		else
			log_no_done(asked->who ? asked->who->label : NULL, r,
				"it is not known which machine asks: ${pixie-done} is "
				"left empty");
	}
	free(text);
}

/* The state that the head of an open file asks for; closes it. */
static enum machine_state
state_in_file(int fd, const struct mac *mac)
{
	char text[SCRIPT_STATE_BYTES];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	close(fd);
	return n > 0 ? state_in(text, (size_t)n, mac) : STATE_BOOT;
}

static enum machine_state
state_in_script_of(const struct site *site, const struct machine_names *m)
{
	char file[256];
	struct stat st;
	int fd;

	if (!machine_script_find(site->scripts, m, file))
		return STATE_BOOT;
	fd = tree_open(site->scripts, file, &st);
	return fd < 0 ? STATE_BOOT : state_in_file(fd, &m->mac);
}

bool
own_script_skips_menu(
	const struct site *site, const struct asked *asked, struct resolution *r)
{
	struct machine_names m = {0};
	enum machine_state state;
	char uuid[UUID_TEXT + 2];

	if (site->registry == NULL || asked->purpose == FOR_READING ||
		!own_script_whose(site, asked, &m.mac))
		return false;
	m.has_uuid = name_from_query(asked->query, "uuid", uuid, sizeof(uuid)) &&
		     uuid_parse(uuid, strlen(uuid), &m.uuid);
	if (!name_from_query(asked->query, "serial", m.serial, sizeof(m.serial)))
		m.serial[0] = '\0';
	if (asked->purpose == FOR_BOOT)
		registry_asks(site->registry, &m.mac,
			asked->over_http ? VIA_HTTP : VIA_TFTP, r->name);
	state = registry_state(site->registry, &m.mac, state_in_script_of(site, &m));
	if (state != STATE_LOCAL && state != STATE_IGNORE)
		return false;
	give_local(asked, &m.mac, state, site, r);
	return true;
}

/*
 * The usual ways to write a MAC address; negative: none of these. Every DISCOVER comes
 * here, and while the directory is being changed, to look through ten thousand names
 * takes three milliseconds: these few are asked for before it is.
 */
static int
open_by_mac(int dir, const struct mac *mac)
{
	static const char *const forms[] = {"%02x-%02x-%02x-%02x-%02x-%02x.ipxe",
		"%02X-%02X-%02X-%02X-%02X-%02X.ipxe",
		"%02x:%02x:%02x:%02x:%02x:%02x.ipxe",
		"%02X:%02X:%02X:%02X:%02X:%02X.ipxe", "%02x%02x%02x%02x%02x%02x.ipxe",
		"%02X%02X%02X%02X%02X%02X.ipxe"};
	const uint8_t *b = mac->b;
	char name[MAC_TEXT + 8];
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < sizeof(forms) / sizeof(*forms); i++) {
		snprintf(
			name, sizeof(name), forms[i], b[0], b[1], b[2], b[3], b[4], b[5]);
		fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	}
	return fd;
}

enum machine_state
own_script_state(const struct site *site, const struct machine_names *m)
{
	int dir = open(site->scripts, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -1 : open_by_mac(dir, &m->mac);

	if (dir >= 0)
		close(dir);
	return registry_state(site->registry, &m->mac,
		fd < 0 ? state_in_script_of(site, m) : state_in_file(fd, &m->mac));
}
