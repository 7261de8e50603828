/* What the database remembers: at start all states and machines, later old stories. */
#include "store/sqlite.h"

#include "store/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

#define BUSY_MS 500

static enum stored
open_as(const char *name, int flags, int busy_ms, sqlite3 **db,
	char why[static STORE_WHY])
{
	enum stored how;
	int rc = sqlite3_open_v2(name, db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	sqlite3_busy_timeout(*db, busy_ms);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(*db,
			"PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
			"SELECT count(*) FROM state",
			NULL, NULL, NULL);
	how = sqlite_says(*db, rc, why);
	if (how != STORED) {
		sqlite3_close(*db);
		*db = NULL;
	}
	return how;
}

/* "file:PATH?immutable=1", with what a URI would take for its own written as %XX. */
static void
immutable_uri(const char *path, char *uri, size_t cap)
{
	struct writer w = writer_of(uri, cap - 1);

	wr_str(&w, "file:");
	for (; *path != '\0'; path++)
		if (strchr("?#%", *path) != NULL)
			wr_fmt(&w, "%%%02X", (unsigned char)*path);
		else
			wr_u8(&w, (uint8_t)*path);
	wr_str(&w, "?immutable=1");
	uri[w.bad ? 0 : w.len] = '\0';
}

/*
 * For reading: with its WAL if that can be, else (the disk is read only, and a WAL
 * takes a file beside it) as a file that nobody changes.
 */
static enum stored
open_to_read(const char *path, sqlite3 **db, char why[static STORE_WHY])
{
	char uri[3 * PATH_MAX + 32];
	enum stored how = open_as(path, SQLITE_OPEN_READWRITE, BUSY_MS, db, why);

	if (how == STORED || how == STORE_CORRUPT || how == STORE_LATER)
		return how;
	how = open_as(path, SQLITE_OPEN_READONLY, BUSY_MS, db, why);
	if (how == STORED || how == STORE_CORRUPT || how == STORE_LATER)
		return how;
	immutable_uri(path, uri, sizeof(uri));
	return open_as(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, BUSY_MS, db, why);
}

static const char *
text_at(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return text != NULL ? text : "";
}

#define COPY(to, st, column) snprintf(to, sizeof(to), "%s", text_at(st, column))

static void
read_macs(const char *text, struct machine_view *m)
{
	while (*text != '\0' && m->n_macs < sizeof(m->macs) / sizeof(*m->macs)) {
		size_t n = strcspn(text, " ");

		if (mac_parse(text, n, &m->macs[m->n_macs]))
			m->n_macs++;
		text += n + (text[n] == ' ');
	}
	if (m->n_macs == 0)
		m->macs[m->n_macs++] = m->mac;
}

#define MACHINE_COLUMNS                                                                  \
	"mac, macs, address, uuid, arch, firmware, vendor, product, serial, first_ms,"   \
	" last_ms, boot, boot_ms, boot_end_ms, outcome, verdict, verdict_text,"          \
	" next_step"

static bool
read_machine(sqlite3_stmt *st, struct machine_view *m)
{
	const char *mac = text_at(st, 0), *uuid = text_at(st, 3);

	*m = (struct machine_view){.has_mac = true};
	if (!mac_parse(mac, strlen(mac), &m->mac))
		return false;
	read_macs(text_at(st, 1), m);
	netaddr_parse_host(text_at(st, 2), &m->addr);
	m->has_uuid = uuid_parse(uuid, strlen(uuid), &m->uuid);
	m->arch = (int16_t)sqlite3_column_int(st, 4);
	COPY(m->firmware, st, 5);
	COPY(m->vendor, st, 6);
	COPY(m->product, st, 7);
	COPY(m->serial, st, 8);
	m->first_ms = sqlite3_column_int64(st, 9);
	m->last_ms = sqlite3_column_int64(st, 10);
	m->boot = (uint32_t)sqlite3_column_int64(st, 11);
	m->boot_ms = sqlite3_column_int64(st, 12);
	m->boot_end_ms = sqlite3_column_int64(st, 13);
	COPY(m->outcome, st, 14);
	COPY(m->verdict, st, 15);
	COPY(m->verdict_text, st, 16);
	COPY(m->next_step, st, 17);
	return true;
}

/* A reading of all that there is. */
struct load {
	sqlite3 *db;
	const struct store_sink *sink;
	sqlite3_stmt *has_row; /* NULL: unprepared */
};

static bool
has_row(struct load *l, const struct mac *mac)
{
	char text[MAC_TEXT];
	bool has;

	if (l->has_row == NULL &&
		sqlite3_prepare_v2(l->db, "SELECT 1 FROM machine WHERE mac = ?1", -1,
			&l->has_row, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_text(l->has_row, 1, mac_text(mac, text), -1, SQLITE_STATIC);
	has = sqlite3_step(l->has_row) == SQLITE_ROW;
	sqlite3_reset(l->has_row);
	return has;
}

/*
 * A card with a row of its own is a machine: its UUID was that of others, too, and the
 * one it had been taken for has not been heard of since (see take_row()).
 */
static void
leave_out_machines(struct load *l, struct machine_view *m)
{
	unsigned n = 1;

	for (unsigned i = 1; i < m->n_macs; i++)
		if (!has_row(l, &m->macs[i]))
			m->macs[n++] = m->macs[i];
	m->n_macs = n;
}

static void
load_machine(struct load *l, sqlite3_stmt *st)
{
	struct machine_view m;

	if (!read_machine(st, &m))
		return;
	leave_out_machines(l, &m);
	l->sink->machine(l->sink->arg, &m);
}

static void
load_names(struct load *l, sqlite3_stmt *st)
{
	struct machine_view m;

	if (!read_machine(st, &m))
		return;
	leave_out_machines(l, &m);
	l->sink->names(l->sink->arg, &m);
}

static void
load_state(struct load *l, sqlite3_stmt *st)
{
	struct state_record r = {0};
	const char *mac = text_at(st, 0), *state = text_at(st, 1);

	if (!mac_parse(mac, strlen(mac), &r.mac) ||
		!machine_state_parse(state, strlen(state), &r.state))
		return;
	r.state_set = sqlite3_column_int(st, 2);
	COPY(r.by, st, 3);
	r.once_used = sqlite3_column_int(st, 4);
	r.once_boot = (uint32_t)sqlite3_column_int64(st, 5);
	COPY(r.token, st, 6);
	r.boot = (uint32_t)sqlite3_column_int64(st, 7);
	r.done = sqlite3_column_int(st, 8);
	l->sink->state(l->sink->arg, &r);
}

static enum stored
each(struct load *l, const char *sql, void (*take)(struct load *, sqlite3_stmt *),
	char why[static STORE_WHY])
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(l->db, sql, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return sqlite_says(l->db, rc, why);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		take(l, st);
	sqlite3_finalize(st);
	return sqlite_says(l->db, rc, why);
}

/* Either table is read even when the other is corrupt. */
static enum stored
load_all(struct load *l, char why[static STORE_WHY])
{
	enum stored how, machines;

	machines = each(l,
		"SELECT * FROM (SELECT " MACHINE_COLUMNS " FROM machine"
		" ORDER BY last_ms DESC LIMIT 16384) ORDER BY last_ms",
		load_machine, why);
	how = each(l,
		"SELECT mac, state, state_set, by, once_used, once_boot, token, "
		"token_boot,"
		" done FROM state",
		load_state, why);
	if (machines == STORED)
		machines = each(l,
			"SELECT " MACHINE_COLUMNS " FROM machine WHERE mac IN"
			" (SELECT mac FROM state)",
			load_names, why);
	return how != STORED ? how : machines;
}

enum stored
sqlite_load(struct backend *b, const struct store_sink *sink, char why[static STORE_WHY])
{
	struct sqlite *s = (struct sqlite *)b;
	struct load l = {.sink = sink};
	enum stored how;
	struct stat st;

	if (stat(s->path, &st) < 0 && errno == ENOENT)
		return STORE_GONE;
	how = open_to_read(s->path, &l.db, why);
	if (how != STORED)
		return how;
	how = load_all(&l, why);
	sqlite3_finalize(l.has_row);
	sqlite3_close(l.db);
	return how;
}

/* By any of its cards. The table is gone through for who is no machine's first: nothing
 * that serves a machine asks. */
static bool
machine_from(sqlite3 *db, const struct mac *mac, struct machine_view *out)
{
	char text[MAC_TEXT];
	sqlite3_stmt *st;
	bool found;

	if (sqlite3_prepare_v2(db,
		    "SELECT " MACHINE_COLUMNS " FROM machine WHERE mac = ?1"
		    " OR instr(' ' || macs || ' ', ' ' || ?1 || ' ')"
		    " ORDER BY mac = ?1 DESC LIMIT 1",
		    -1, &st, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_text(st, 1, mac_text(mac, text), -1, SQLITE_STATIC);
	found = sqlite3_step(st) == SQLITE_ROW && read_machine(st, out);
	sqlite3_finalize(st);
	return found;
}

/* As with history, nobody's lock is waited for. */
bool
sqlite_machine(struct backend *b, const struct mac *mac, struct machine_view *out)
{
	const struct sqlite *s = (const struct sqlite *)b;
	char why[STORE_WHY];
	bool found = false;
	sqlite3 *db;

	guard_enter();
	if (open_as(s->path, SQLITE_OPEN_READONLY, 0, &db, why) == STORED) {
		found = machine_from(db, mac, out);
		sqlite3_close(db);
	}
	guard_leave();
	return found;
}

static enum event_kind
kind_of(const char *word)
{
	enum event_kind k = 0;

	while (k < EVENT_KIND_COUNT && strcmp(event_kind_text(k), word) != 0)
		k++;
	return k;
}

static enum transport
via_of(const char *word)
{
	enum transport v = VIA_HTTP;

	while (v != VIA_NONE && strcmp(transport_text(v), word) != 0)
		v--;
	return v;
}

/* Into the reader's buffer; NULL for none, or (`w` is bad then) for want of room. */
static const char *
keep(struct writer *w, sqlite3_stmt *st, int column)
{
	const char *text = text_at(st, column);
	const char *at = (const char *)w->p + w->len;

	if (*text == '\0')
		return NULL;
	wr_cstr(w, text);
	return w->bad ? NULL : at;
}

static bool
read_event(sqlite3_stmt *st, const struct mac *mac, struct event *e, struct writer *w)
{
	*e = (struct event){
		.mac = *mac,
		.wall_ms = sqlite3_column_int64(st, 0),
		.boot = (uint32_t)sqlite3_column_int64(st, 1),
		.kind = kind_of(text_at(st, 2)),
		.via = via_of(text_at(st, 3)),
		.bytes = (uint64_t)sqlite3_column_int64(st, 6),
		.total = (uint64_t)sqlite3_column_int64(st, 7),
		.resent = (uint32_t)sqlite3_column_int64(st, 8),
		.status = (uint16_t)sqlite3_column_int(st, 9),
		.arch = (int16_t)sqlite3_column_int(st, 10),
		.ms = (uint32_t)sqlite3_column_int64(st, 11),
		.packets = (uint32_t)sqlite3_column_int64(st, 12),
	};
	e->name = keep(w, st, 4);
	e->text = keep(w, st, 5);
	return !w->bad;
}

/* The newest `max` of those before `before_ms`, oldest first. */
#define HISTORY(packets)                                                                 \
	"SELECT wall_ms, boot, kind, via, name, text, bytes, total, resent, status, "    \
	"arch, ms, " packets " FROM (SELECT * FROM event WHERE machine = (SELECT id "    \
	"FROM machine WHERE mac = "                                                      \
	"?1)"                                                                            \
	" AND wall_ms < ?2 ORDER BY id DESC LIMIT ?3) ORDER BY id"

/* An older pixie's, which cannot be brought up to date now, has no packets. */
static int
prepare_history(sqlite3 *db, sqlite3_stmt **st)
{
	int rc = sqlite3_prepare_v2(db, HISTORY("packets"), -1, st, NULL);

	return rc == SQLITE_ERROR ? sqlite3_prepare_v2(db, HISTORY("0"), -1, st, NULL)
				  : rc;
}

static size_t
history_from(sqlite3 *db, const struct mac *mac, uint64_t before_ms, struct event *out,
	size_t max, struct writer *w)
{
	char text[MAC_TEXT];
	sqlite3_stmt *st;
	size_t n = 0;

	if (prepare_history(db, &st) != SQLITE_OK)
		return 0;
	sqlite3_bind_text(st, 1, mac_text(mac, text), -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, before_ms > INT64_MAX ? INT64_MAX : (int64_t)before_ms);
	sqlite3_bind_int64(st, 3, (int64_t)max);
	while (n < max && sqlite3_step(st) == SQLITE_ROW)
		if (!read_event(st, mac, &out[n], w))
			break;                            /* no room for its words */
		else if (out[n].kind != EVENT_KIND_COUNT) /* a newer pixie's */
			n++;
	sqlite3_finalize(st);
	return n;
}

/* The caller serves machines: nobody's lock is waited for. */
size_t
sqlite_history(struct backend *b, const struct mac *mac, uint64_t before_ms,
	struct event *out, size_t max, char *buf, size_t cap)
{
	const struct sqlite *s = (const struct sqlite *)b;
	struct writer w = writer_of(buf, cap);
	char why[STORE_WHY];
	sqlite3 *db;
	size_t n = 0;

	guard_enter();
	if (open_as(s->path, SQLITE_OPEN_READONLY, 0, &db, why) == STORED) {
		n = history_from(db, mac, before_ms, out, max, &w);
		sqlite3_close(db);
	}
	guard_leave();
	return n;
}
