/* Batches into the database, and what is too old out of it. */
#include "store/sqlite.h"

#include <string.h>

#include "base/bytes.h"

/* Rows forgotten at a time, so that a state change never waits long. */
#define PRUNE_STEP 2000

static const char *const texts[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_STATE] = "INSERT OR REPLACE INTO state"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[SQL_FORGET_EVENTS] = "DELETE FROM event WHERE machine ="
			      " (SELECT id FROM machine WHERE mac=?1)",
	[SQL_FORGET_MACHINE] = "DELETE FROM machine WHERE mac=?1",
	[SQL_FORGET_STATE] = "DELETE FROM state WHERE mac=?1",
	/* What memory does not know (it had forgotten the machine) stays. */
	[SQL_MACHINE] =
		"INSERT INTO machine(mac, macs, address, uuid, arch, firmware, vendor,"
		" product, serial, first_ms, last_ms, boot, boot_ms, boot_end_ms,"
		" outcome, verdict, verdict_text, next_step)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)"
		" ON CONFLICT(mac) DO UPDATE SET"
		" macs=?2, address=ifnull(?3, address), uuid=?4,"
		" arch=CASE WHEN ?5 < 0 THEN arch ELSE ?5 END,"
		" firmware=ifnull(?6, firmware), vendor=ifnull(?7, vendor),"
		" product=ifnull(?8, product), serial=ifnull(?9, serial),"
		" first_ms=ifnull(min(nullif(first_ms, 0), nullif(?10, 0)),"
		" max(first_ms, ?10)), last_ms=max(last_ms, ?11),"
		" (boot, boot_ms, boot_end_ms, outcome, verdict, verdict_text, "
		"next_step)="
		" (SELECT ?12, ?13, ?14, ?15, ?16, ?17, ?18 WHERE ?13 != 0 UNION ALL"
		" SELECT boot, boot_ms, boot_end_ms, outcome, verdict, verdict_text,"
		" next_step WHERE ?13 = 0)",
	/* Boots have each machine's own numbers. */
	[SQL_TAKE_EVENTS] = "UPDATE event SET boot=NULL,"
			    " machine=(SELECT id FROM machine WHERE mac=?1)"
			    " WHERE machine=(SELECT id FROM machine WHERE mac=?2)",
	[SQL_EVENT] =
		"INSERT INTO event(machine, wall_ms, boot, kind, via, name, text, bytes,"
		" total, resent, status, arch, ms, packets)"
		" VALUES(ifnull((SELECT id FROM machine WHERE mac=?1), 0),"
		" ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
};

enum stored
sqlite_prepare(struct sqlite *s, char why[static STORE_WHY])
{
	for (int i = 0; i < SQL_COUNT; i++) {
		int rc = sqlite3_prepare_v3(s->db, texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &s->prepared[i], NULL);

		if (rc != SQLITE_OK)
			return sqlite_says(s->db, rc, why);
	}
	return STORED;
}

void
sqlite_unprepare(struct sqlite *s)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(s->prepared[i]);
		s->prepared[i] = NULL;
	}
}

/* A statement being filled: parameters in order; SQLITE_STATIC, as it runs at once. */
struct row {
	sqlite3_stmt *st;
	int at;
};

static struct row
row_of(struct sqlite *s, enum sql what)
{
	return (struct row){s->prepared[what], 0};
}

static void
put_text(struct row *r, const char *text)
{
	if (text != NULL && *text != '\0')
		sqlite3_bind_text(r->st, ++r->at, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(r->st, ++r->at);
}

/* Text that is never NULL in the schema. */
static void
put_word(struct row *r, const char *text)
{
	sqlite3_bind_text(r->st, ++r->at, text, -1, SQLITE_STATIC);
}

static void
put_number(struct row *r, int64_t n)
{
	sqlite3_bind_int64(r->st, ++r->at, n);
}

/* 0 says nothing. */
static void
put_some(struct row *r, uint64_t n)
{
	if (n != 0)
		sqlite3_bind_int64(r->st, ++r->at, (int64_t)n);
	else
		sqlite3_bind_null(r->st, ++r->at);
}

static int
row_run(struct row *r)
{
	int rc = sqlite3_step(r->st);

	sqlite3_reset(r->st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
simple(struct sqlite *s, enum sql what)
{
	struct row r = row_of(s, what);

	return row_run(&r);
}

/* All that is known of it. */
static int
forget_machine(struct sqlite *s, const struct mac *of)
{
	static const enum sql all[] = {
		SQL_FORGET_EVENTS, SQL_FORGET_MACHINE, SQL_FORGET_STATE};
	char mac[MAC_TEXT];
	int rc = SQLITE_OK;

	mac_text(of, mac);
	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(all) / sizeof(*all); i++) {
		struct row r = row_of(s, all[i]);

		put_word(&r, mac);
		rc = row_run(&r);
	}
	return rc;
}

static int
write_state(struct sqlite *s, const struct state_record *rec, int64_t now_ms)
{
	struct row r = row_of(s, SQL_STATE);
	char mac[MAC_TEXT];

	put_word(&r, mac_text(&rec->mac, mac));
	put_word(&r, machine_state_text(rec->state));
	put_number(&r, rec->state_set);
	put_word(&r, rec->by);
	put_number(&r, now_ms);
	put_number(&r, rec->once_used);
	put_number(&r, rec->once_boot);
	put_word(&r, rec->token);
	put_number(&r, rec->boot);
	put_number(&r, rec->done);
	return row_run(&r);
}

/* "mac mac …" */
static const char *
macs_text(const struct machine_view *m, char *buf, size_t cap)
{
	struct writer w = writer_of(buf, cap - 1);
	char mac[MAC_TEXT];

	for (unsigned i = 0; i < m->n_macs; i++)
		wr_fmt(&w, i ? " %s" : "%s", mac_text(&m->macs[i], mac));
	buf[w.len] = '\0';
	return buf;
}

/*
 * A card that was a machine of its own: whoever loads both would have to guess whose
 * state it is.
 */
static int
take_row(struct sqlite *s, const struct mac *machine, const struct mac *card)
{
	struct row events = row_of(s, SQL_TAKE_EVENTS),
		   own = row_of(s, SQL_FORGET_MACHINE);
	char mac[MAC_TEXT], other[MAC_TEXT];
	int rc;

	put_word(&events, mac_text(machine, mac));
	put_word(&events, mac_text(card, other));
	rc = row_run(&events);
	put_word(&own, other);
	return rc == SQLITE_OK ? row_run(&own) : rc;
}

static int
write_row(struct sqlite *s, const struct machine_view *m)
{
	struct row r = row_of(s, SQL_MACHINE);
	char mac[MAC_TEXT], macs[8 * MAC_TEXT + 1], uuid[UUID_TEXT], addr[NETADDR_TEXT];

	put_word(&r, mac_text(&m->mac, mac));
	put_text(&r, macs_text(m, macs, sizeof(macs)));
	put_text(&r, m->addr.sa.sa_family ? netaddr_host(&m->addr, addr) : NULL);
	put_text(&r, m->has_uuid ? uuid_text(&m->uuid, uuid) : NULL);
	put_number(&r, m->arch);
	put_text(&r, m->firmware);
	put_text(&r, m->vendor);
	put_text(&r, m->product);
	put_text(&r, m->serial);
	put_number(&r, m->first_ms);
	put_number(&r, m->last_ms);
	put_number(&r, m->boot);
	put_number(&r, m->boot_ms);
	put_number(&r, m->boot_end_ms);
	put_text(&r, m->outcome);
	put_text(&r, m->verdict);
	put_text(&r, m->verdict_text);
	put_text(&r, m->next_step);
	return row_run(&r);
}

static int
write_machine(struct sqlite *s, const struct machine_view *m)
{
	int rc = write_row(s, m);

	for (unsigned i = 1; rc == SQLITE_OK && i < m->n_macs; i++)
		rc = take_row(s, &m->mac, &m->macs[i]);
	return rc;
}

static int
write_event(struct sqlite *s, const struct event *e)
{
	struct row r = row_of(s, SQL_EVENT);
	char mac[MAC_TEXT];

	put_word(&r, mac_text(&e->mac, mac));
	put_number(&r, e->wall_ms);
	put_some(&r, e->boot);
	put_word(&r, event_kind_text(e->kind));
	put_text(&r, transport_text(e->via));
	put_text(&r, e->name);
	put_text(&r, e->text);
	put_some(&r, e->bytes);
	put_some(&r, e->total);
	put_some(&r, e->resent);
	put_some(&r, e->status);
	put_number(&r, e->arch);
	put_some(&r, e->ms);
	put_some(&r, e->packets);
	return row_run(&r);
}

/* One that was forgotten may have a state again. */
static int
write_record(struct sqlite *s, const struct state_record *r, int64_t now_ms)
{
	bool says = r->state_set || r->once_used || r->done || *r->token;
	int rc = r->forgotten ? forget_machine(s, &r->mac) : SQLITE_OK;

	return rc == SQLITE_OK && (says || !r->forgotten) ? write_state(s, r, now_ms)
							  : rc;
}

/* Machines before events, which point at them. */
static int
write_all(struct sqlite *s, const struct store_batch *b)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < b->n_states; i++)
		rc = write_record(s, &b->states[i], b->now_ms);
	for (size_t i = 0; rc == SQLITE_OK && i < b->n_machines; i++)
		if (b->machines[i].has_mac)
			rc = write_machine(s, &b->machines[i]);
	for (size_t i = 0; rc == SQLITE_OK && i < b->n_events; i++)
		rc = write_event(s, &b->events[i]);
	return rc;
}

/*
 * Of a transaction that had begun. A failed statement may have ended it by itself. What
 * it left in the WAL (a full disk takes some of it) is ours, not somebody else's.
 */
static void
give_up(struct sqlite *s)
{
	struct stat st;

	if (!sqlite3_get_autocommit(s->db))
		simple(s, SQL_ROLLBACK);
	if (stat(s->path, &st) == 0 && st.st_dev == s->seen.st_dev &&
		st.st_ino == s->seen.st_ino)
		sqlite_wrote(s);
}

/*
 * The file is looked for again after the commit: what went into a deleted one is not
 * on the disk, and must not be acknowledged. Without anything to write it is only
 * looked at.
 */
enum stored
sqlite_write(
	struct backend *b, const struct store_batch *batch, char why[static STORE_WHY])
{
	struct sqlite *s = (struct sqlite *)b;
	enum stored how = sqlite_untouched(s, why);
	int rc;

	if (how != STORED || batch->n_states + batch->n_machines + batch->n_events == 0)
		return how;
	rc = simple(s, SQL_BEGIN);
	if (rc != SQLITE_OK)
		return sqlite_says(s->db, rc, why);
	rc = write_all(s, batch);
	if (rc == SQLITE_OK)
		rc = simple(s, SQL_COMMIT);
	if (rc != SQLITE_OK) {
		how = sqlite_says(s->db, rc, why);
		give_up(s);
		return how;
	}
	how = sqlite_still_there(s, why);
	if (how == STORED)
		sqlite_wrote(s);
	return how;
}

/* Runs `sql` with up to two numbers; adds to `*rows` what it deleted. */
static int
forget(struct sqlite *s, const char *sql, int64_t a, int64_t b, int *rows)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(st, 1, a);
	sqlite3_bind_int64(st, 2, b);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	if (rc != SQLITE_DONE)
		return rc;
	*rows += sqlite3_changes(s->db);
	return SQLITE_OK;
}

static int
forget_events(
	struct sqlite *s, const struct store_bounds *bounds, int64_t now_ms, int *rows)
{
	int rc = SQLITE_OK;

	if (bounds->age_ms)
		rc = forget(s,
			"DELETE FROM event WHERE id IN (SELECT id FROM"
			" (SELECT id, wall_ms FROM event ORDER BY id LIMIT ?2)"
			" WHERE wall_ms < ?1)",
			now_ms - bounds->age_ms, PRUNE_STEP, rows);
	/* Ids are given in order: what lies this far behind the newest is too many. */
	if (rc == SQLITE_OK && bounds->events)
		rc = forget(s,
			"DELETE FROM event WHERE id IN (SELECT id FROM event WHERE id <="
			" (SELECT max(id) FROM event) - ?1 ORDER BY id LIMIT ?2)",
			bounds->events, PRUNE_STEP, rows);
	/* Of the machines that spoke last: nobody else's grew. */
	if (rc == SQLITE_OK && bounds->a_machine)
		rc = forget(s,
			"DELETE FROM event WHERE id IN (SELECT e.id FROM"
			" (SELECT id FROM machine ORDER BY last_ms DESC LIMIT 500) AS m"
			" JOIN event AS e ON e.machine = m.id AND e.id <= (SELECT id FROM"
			" event WHERE machine = m.id ORDER BY id DESC LIMIT 1 OFFSET ?1)"
			" LIMIT ?2)",
			bounds->a_machine, PRUNE_STEP, rows);
	return rc;
}

static int
forget_machines(struct sqlite *s, const struct store_bounds *bounds, int *rows)
{
	int rc = SQLITE_OK;

	if (bounds->machines)
		rc = forget(s,
			"DELETE FROM machine WHERE id IN (SELECT id FROM machine AS m"
			" WHERE NOT EXISTS (SELECT 1 FROM state AS s WHERE s.mac = m.mac"
			" AND (state_set OR once_used OR done))"
			" ORDER BY last_ms DESC LIMIT ?2 OFFSET ?1)",
			bounds->machines, PRUNE_STEP, rows);
	/* A state that counts is never forgotten: the machine would be installed again.
	 * How many of them nobody set is the registry's bound (machine/states.h). */
	if (rc == SQLITE_OK && bounds->states)
		rc = forget(s,
			"DELETE FROM state WHERE mac IN (SELECT mac FROM state WHERE"
			" NOT (state_set OR once_used OR done) ORDER BY changed_ms DESC "
			"LIMIT ?2 OFFSET ?1)",
			bounds->states, PRUNE_STEP, rows);
	return rc;
}

enum stored
sqlite_prune(struct backend *b, const struct store_bounds *bounds, int64_t now_ms,
	bool *more, char why[static STORE_WHY])
{
	struct sqlite *s = (struct sqlite *)b;
	enum stored how;
	int rows = 0, rc = simple(s, SQL_BEGIN);

	if (rc != SQLITE_OK)
		return sqlite_says(s->db, rc, why);
	rc = forget_events(s, bounds, now_ms, &rows);
	if (rc == SQLITE_OK)
		rc = forget_machines(s, bounds, &rows);
	if (rc == SQLITE_OK)
		rc = simple(s, SQL_COMMIT);
	*more = rc == SQLITE_OK && rows > 0;
	if (rc == SQLITE_OK) {
		sqlite_wrote(s);
		return STORED;
	}
	how = sqlite_says(s->db, rc, why);
	give_up(s);
	return how;
}
