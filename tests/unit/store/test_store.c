/*
 * The store against real database files. What is on the disk is looked at through
 * SQLite's own interface, by a second connection, as an admin would.
 */
#include "store/backend.h"

#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>
#include <time.h>

#include "../boot/sandbox.h"

#define FILE_NAME "state.db"

static const struct mac first = {{0x52, 0x54, 0, 0, 0, 1}};
static const struct mac second = {{0x52, 0x54, 0, 0, 0, 2}};

/* A registry and its store, as after a start. */
struct life {
	struct registry *r;
	struct store *s;
};

/* places: machines that the registry has room for; 0: as ever. */
static struct life
born_with(const char *path, unsigned places)
{
	struct life l = {
		.r = registry_new(&(struct registry_config){.machines_max = places})};

	assert_non_null(l.r);
	l.s = store_open(path, l.r);
	assert_non_null(l.s);
	return l;
}

static struct life
born_at(const char *path)
{
	return born_with(path, 0);
}

static struct life
born(void)
{
	return born_at(in_sandbox(FILE_NAME));
}

static void
dies(struct life *l)
{
	if (store_close(
		    l->s)) /* else its thread lives on with it, as on a disk that hangs */
		registry_free(l->r);
}

/* Waiting. */

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t came;
	bool done, ok;
};

static void
on_durable(void *arg, bool ok)
{
	struct answer *a = arg;

	pthread_mutex_lock(&a->lock);
	a->done = true;
	a->ok = ok;
	pthread_cond_signal(&a->came);
	pthread_mutex_unlock(&a->lock);
}

/* What store_when_durable() says of the generation. */
static bool
is_said_durable(struct life *l, uint64_t generation)
{
	struct answer a = {
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};

	store_when_durable(l->s, generation, on_durable, &a);
	pthread_mutex_lock(&a.lock);
	while (!a.done)
		pthread_cond_wait(&a.came, &a.lock);
	pthread_mutex_unlock(&a.lock);
	return a.ok;
}

/* A disk may take its time: half a minute. */
static bool
is_durable(struct life *l, uint64_t generation)
{
	for (int tries = 0; tries < 15; tries++)
		if (is_said_durable(l, generation))
			return true;
	return false;
}

/* It holds in memory. */
static bool
cannot_set(struct life *l, const struct mac *mac, enum machine_state state)
{
	return !is_said_durable(l, registry_set_state(l->r, mac, state, "api"));
}

static bool
set(struct life *l, const struct mac *mac, enum machine_state state)
{
	return is_durable(l, registry_set_state(l->r, mac, state, "api"));
}

static void
tell(struct life *l, const struct mac *mac, enum event_kind kind, const char *name)
{
	struct sighting who = {
		.mac = *mac, .has_mac = true, .arch = 7, .product = "Box 9"};

	registry_tell(l->r, &who,
		&(struct event){.kind = kind,
			.via = VIA_HTTP,
			.arch = 7,
			.name = name,
			.text = kind == EV_FAILED ? "cut" : NULL,
			.bytes = 12});
}

/* As a card of a machine that has a UUID. */
static void
discovers(struct life *l, const struct mac *card, bool by_dhcp)
{
	struct sighting who = {.mac = *card,
		.has_mac = true,
		.by_dhcp = by_dhcp,
		.has_uuid = true,
		.arch = -1};
	const char *uuid = "a1b2c3d4-1111-2222-3333-444455556666";

	uuid_parse(uuid, strlen(uuid), &who.uuid);
	registry_tell(l->r, &who, &(struct event){.kind = EV_DISCOVER});
}

static struct store_health
health(struct life *l)
{
	struct store_health h;

	store_health(l->s, &h);
	return h;
}

static void
nap(void)
{
	nanosleep(&(struct timespec){0, 20000000}, NULL);
}

/* Two minutes: whatever is waited for takes a second or so, on a machine at leisure. */
#define UNTIL(condition)                                                                 \
	do {                                                                             \
		for (int tries_ = 0; tries_ < 6000 && !(condition); tries_++)            \
			nap();                                                           \
		assert_true(condition);                                                  \
	} while (0)

/* The disk. */

static sqlite3 *
outsider(void)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(in_sandbox(FILE_NAME), &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	return db;
}

static void
does(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

/* The first column of the first row, "" for none; good until the next call. */
static const char *
on_disk(const char *sql)
{
	static char text[256];
	sqlite3 *db = outsider();
	sqlite3_stmt *st;

	*text = '\0';
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0) != NULL)
		snprintf(text, sizeof(text), "%s", sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return text;
}

#define STATE_OF_FIRST "SELECT state FROM state WHERE mac='52-54-00-00-00-01'"
#define STATE_OF_SECOND "SELECT state FROM state WHERE mac='52-54-00-00-00-02'"
#define UUID_OF_FIRST                                                                    \
	"SELECT ifnull(uuid, 'none') FROM machine WHERE mac='52-54-00-00-00-01'"
#define EVENTS_NAMED(name) "SELECT count(*) FROM event WHERE name='" name "'"

/* How many files in the sandbox have names that begin so. */
static int
files_named(const char *start)
{
	DIR *d = opendir(sandbox);
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, start, strlen(start)) == 0;
	closedir(d);
	return n;
}

static void
lose_the_database(void)
{
	assert_int_equal(unlink(in_sandbox(FILE_NAME)), 0);
	unlink(in_sandbox(FILE_NAME "-wal"));
	unlink(in_sandbox(FILE_NAME "-shm"));
}

static enum machine_state
state_after_restart(const struct mac *mac)
{
	struct life l = born();
	enum machine_state state = registry_state(l.r, mac, STATE_BOOT);

	dies(&l);
	return state;
}

/* Tests. */

static void
none_keeps_memory_only(void **state)
{
	struct life l = born_at("none");

	assert_true(set(&l, &first, STATE_ONCE));
	assert_true(health(&l).ok);
	assert_int_equal(store_history(l.s, &first, UINT64_MAX, NULL, 0, NULL, 0), 0);
	dies(&l);
}

static void
what_is_durable_is_on_the_disk_and_back_after_a_start(void **state)
{
	struct life l = born();

	assert_true(set(&l, &first, STATE_LOCAL));
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
	assert_true(set(&l, &first, STATE_ONCE));
	assert_true(set(&l, &second, STATE_IGNORE));
	assert_string_equal(on_disk(STATE_OF_FIRST), "once");
	dies(&l);
	assert_int_equal(state_after_restart(&first), STATE_ONCE);
	assert_int_equal(state_after_restart(&second), STATE_IGNORE);
}

static void
many_changes_are_all_there(void **state)
{
	struct life l = born();
	uint64_t last = 0;

	for (int i = 0; i < 1000; i++) {
		struct mac mac = {{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};

		last = registry_set_state(l.r, &mac, STATE_LOCAL, "api");
	}
	assert_true(is_durable(&l, last));
	assert_string_equal(
		on_disk("SELECT count(*) FROM state WHERE state='local'"), "1000");
	dies(&l);
}

static void
history_is_written_and_read(void **state)
{
	struct life l = born();
	struct event events[8];
	char words[512];

	tell(&l, &first, EV_ASKED, "snponly64.efi");
	tell(&l, &first, EV_FAILED, "vmlinuz");
	tell(&l, &second, EV_ASKED, "another");
	UNTIL(health(&l).written >= 4);
	assert_int_equal(
		store_history(l.s, &first, UINT64_MAX, events, 8, words, sizeof(words)),
		3);
	assert_int_equal(events[0].kind, EV_BOOT);
	assert_int_equal(events[1].kind, EV_ASKED);
	assert_string_equal(events[1].name, "snponly64.efi");
	assert_null(events[1].text);
	assert_int_equal(events[1].via, VIA_HTTP);
	assert_int_equal(events[1].arch, 7);
	assert_int_equal(events[1].boot, 1);
	assert_string_equal(events[2].text, "cut");
	assert_int_equal(events[2].bytes, 12);
	assert_int_equal(
		store_history(l.s, &first, UINT64_MAX, events, 1, words, sizeof(words)),
		1);
	assert_string_equal(events[0].name, "vmlinuz");
	/* No room for the words of the last. */
	assert_int_equal(store_history(l.s, &first, UINT64_MAX, events, 8, words, 16), 2);
	dies(&l);
}

static void
forgotten_is_gone_with_its_history(void **state)
{
	struct life l = born();

	tell(&l, &first, EV_ASKED, "secret");
	tell(&l, &second, EV_ASKED, "public");
	assert_true(set(&l, &first, STATE_LOCAL));
	UNTIL(strcmp(on_disk(EVENTS_NAMED("secret")), "1") == 0);
	assert_true(is_durable(&l, registry_forget(l.r, &first)));
	assert_string_equal(on_disk(STATE_OF_FIRST), "");
	assert_string_equal(on_disk(EVENTS_NAMED("secret")), "0");
	assert_string_equal(on_disk(EVENTS_NAMED("public")), "1");
	/* And known anew. */
	assert_true(set(&l, &first, STATE_ONCE));
	assert_string_equal(on_disk(STATE_OF_FIRST), "once");
	dies(&l);
}

#define PLACES 16
#define FLEET 600 /* more than are written at once */

static struct mac
of_fleet(unsigned i)
{
	return (struct mac){{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

/* What all of a fleet are given whose script says `once`, and has been used up. */
static void
are_local(struct registry *r)
{
	for (unsigned i = 0; i < FLEET; i++) {
		struct mac mac = of_fleet(i);

		assert_int_equal(registry_state(r, &mac, STATE_ONCE), STATE_LOCAL);
	}
}

static void
fleet_is_larger_than_memory(void **state)
{
	struct life l = born_with(in_sandbox(FILE_NAME), PLACES);

	for (unsigned i = 0; i < FLEET; i++) {
		struct mac mac = of_fleet(i);

		tell(&l, &mac, EV_ASKED, "installs");
		registry_script_served(l.r, &mac, STATE_ONCE);
	}
	assert_true(set(&l, &first, STATE_LOCAL));
	assert_string_equal(on_disk("SELECT count(*) FROM state WHERE once_used"), "600");
	dies(&l);
	l = born_with(in_sandbox(FILE_NAME), PLACES);
	are_local(l.r);
	/* All of it, into a new one, when that is lost. */
	lose_the_database();
	assert_true(set(&l, &second, STATE_ONCE));
	assert_string_equal(on_disk("SELECT count(*) FROM state WHERE once_used"), "600");
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
	dies(&l);
}

/* An admin who asks for it gets what is on disk, and may have that deleted. */
static void
machine_out_of_memory_is_found_on_disk(void **state)
{
	struct life l = born_with(in_sandbox(FILE_NAME), PLACES);
	struct machine_view m = {0};

	tell(&l, &first, EV_ASKED, "secret");
	UNTIL(strcmp(on_disk(EVENTS_NAMED("secret")), "1") == 0);
	for (unsigned i = 0; i < FLEET; i++) {
		struct mac mac = of_fleet(i);

		tell(&l, &mac, EV_ASKED, "public");
	}
	assert_false(registry_machine(l.r, &first, &m));
	assert_false(registry_kept(l.r, &first, &m));
	assert_true(store_machine(l.s, &first, &m));
	assert_string_equal(m.product, "Box 9");
	assert_false(store_machine(l.s, &second, &m));
	/* Called back to have a state, memory does not know what it is. */
	assert_true(set(&l, &first, STATE_LOCAL));
	UNTIL(health(&l).written >= registry_newest(l.r));
	assert_true(store_machine(l.s, &first, &m));
	assert_string_equal(m.product, "Box 9");
	assert_true(m.last_ms > 0);
	assert_true(is_durable(&l, registry_forget(l.r, &first)));
	assert_false(store_machine(l.s, &first, &m));
	assert_string_equal(on_disk(EVENTS_NAMED("secret")), "0");
	dies(&l);
}

/* A second card, whose machine is not among those that are in memory after a start. */
static void
other_card_of_a_fleet_is_known_after_a_start(void **state)
{
	struct life l = born();

	tell(&l, &first, EV_ASKED, "first");
	discovers(&l, &first, false);
	registry_script_served(l.r, &first, STATE_ONCE);
	UNTIL(strcmp(on_disk("SELECT count(*) FROM machine WHERE uuid IS NOT NULL"),
		      "1") == 0);
	for (unsigned i = 0; i < FLEET; i++) {
		struct mac mac = of_fleet(i);

		tell(&l, &mac, EV_ASKED, "later");
	}
	dies(&l);
	l = born_with(in_sandbox(FILE_NAME), PLACES);
	discovers(&l, &second, false);
	assert_int_equal(registry_state(l.r, &second, STATE_ONCE), STATE_LOCAL);
	dies(&l);
}

/* The same, when the database is lost while the machine is not in memory. */
static void
names_of_a_fleet_are_written_anew(void **state)
{
	struct life l = born_with(in_sandbox(FILE_NAME), PLACES);
	struct mac third = {{0x52, 0x54, 0, 0, 0, 3}};
	struct machine_view m;

	discovers(&l, &first, false);
	discovers(&l, &second, false);
	registry_script_served(l.r, &first, STATE_ONCE);
	for (unsigned i = 0; i < FLEET; i++) {
		struct mac mac = of_fleet(i);

		registry_set_state(l.r, &mac, STATE_LOCAL, "api");
	}
	assert_false(registry_machine(l.r, &first, &m));
	lose_the_database();
	UNTIL(strcmp(on_disk("SELECT macs FROM machine WHERE uuid IS NOT NULL"),
		      "52-54-00-00-00-01 52-54-00-00-00-02") == 0);
	dies(&l);
	l = born_with(in_sandbox(FILE_NAME), PLACES);
	discovers(&l, &third, false);
	assert_int_equal(registry_state(l.r, &third, STATE_ONCE), STATE_LOCAL);
	assert_int_equal(registry_state(l.r, &second, STATE_ONCE), STATE_LOCAL);
	dies(&l);
}

#define BOTH_CARDS "52-54-00-00-00-02 52-54-00-00-00-01"

/* A machine whose cards were two machines, one of them with a state. */
static struct life
two_cards(void)
{
	struct life l = born();

	tell(&l, &first, EV_ASKED, "by the first");
	discovers(&l, &first, false);
	UNTIL(strcmp(on_disk(UUID_OF_FIRST), "") != 0);
	registry_set_state(l.r, &second, STATE_ONCE, "api");
	discovers(&l, &second, false);
	return l;
}

/* Installed and done by one card: the other is local, whichever is read first. */
static void
state_is_that_of_all_cards_after_each_start(void **state)
{
	struct life l = two_cards();
	char token[DONE_TOKEN_TEXT];

	dies(&l);
	l = born();
	tell(&l, &first, EV_ASKED, "once more");
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_ONCE);
	registry_script_served(l.r, &first, STATE_BOOT);
	assert_true(registry_done_token(l.r, &first, token));
	assert_true(registry_done(l.r, token, DONE_TOKEN_TEXT - 1));
	UNTIL(strcmp(on_disk(STATE_OF_FIRST), "local") == 0);
	assert_string_equal(on_disk(STATE_OF_SECOND), "local");
	dies(&l);
	assert_int_equal(state_after_restart(&first), STATE_LOCAL);
	assert_int_equal(state_after_restart(&second), STATE_LOCAL);
}

/* Its history is the machine's. */
static void
card_is_no_machine_of_its_own(void **state)
{
	struct life l = two_cards();

	UNTIL(strcmp(on_disk(STATE_OF_FIRST), "once") == 0);
	assert_string_equal(on_disk("SELECT macs FROM machine"), BOTH_CARDS);
	assert_string_equal(on_disk("SELECT count(*) FROM event JOIN machine"
				    " ON machine=machine.id WHERE name='by the first'"),
		"1");
	dies(&l);
}

/* An admin may ask by any card. */
static void
card_of_a_machine_out_of_memory_is_found_on_disk(void **state)
{
	struct life l = two_cards();
	struct machine_view m = {0};

	UNTIL(strcmp(on_disk("SELECT macs FROM machine"), BOTH_CARDS) == 0);
	assert_true(store_machine(l.s, &second, &m));
	assert_int_equal(m.n_macs, 2);
	assert_true(store_machine(l.s, &first, &m));
	assert_int_equal(m.n_macs, 2);
	assert_true(mac_equal(&m.mac, &second));
	dies(&l);
}

/* They were written as two, and were not heard since. */
static void
cards_with_one_uuid_are_one_after_a_start(void **state)
{
	struct life l = two_cards();
	sqlite3 *db;

	dies(&l);
	db = outsider();
	does(db, "UPDATE machine SET macs=mac; INSERT INTO machine(mac, macs, uuid, arch,"
		 " first_ms, last_ms, boot) SELECT '52-54-00-00-00-01',"
		 " '52-54-00-00-00-01', uuid, -1, 1, 1, 0 FROM machine");
	sqlite3_close(db);
	l = born();
	UNTIL(strcmp(on_disk("SELECT count(*) FROM machine"), "1") == 0);
	registry_set_state(l.r, &first, STATE_IGNORE, "api");
	assert_int_equal(registry_state(l.r, &second, STATE_BOOT), STATE_IGNORE);
	dies(&l);
}

/* A third asks with the same UUID at the same time: they are machines, after a start
 * too, although the first has said nothing since. */
static void
cards_that_came_apart_are_apart_after_a_start(void **state)
{
	struct life l = two_cards();
	struct mac third = {{0x52, 0x54, 0, 0, 0, 3}};
	sqlite3 *db;

	discovers(&l, &first, true);
	discovers(&l, &third, true);
	tell(&l, &first, EV_ASKED, "on its own");
	registry_set_state(l.r, &first, STATE_IGNORE, "api");
	UNTIL(strcmp(on_disk(UUID_OF_FIRST), "none") == 0);
	dies(&l);
	db = outsider(); /* as it may have been written last */
	does(db,
		"UPDATE machine SET macs='" BOTH_CARDS "' WHERE mac='52-54-00-00-00-02'");
	sqlite3_close(db);
	l = born();
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_IGNORE);
	assert_int_equal(registry_state(l.r, &second, STATE_BOOT), STATE_ONCE);
	dies(&l);
}

/* What is not worth keeping goes, and what is stays, however many there are. */
static void
used_up_is_never_pruned(void **state)
{
	struct life l = born();
	sqlite3 *db;

	assert_true(set(&l, &first, STATE_LOCAL));
	dies(&l);
	db = outsider();
	does(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
		 " WHERE i < 140000) INSERT INTO state SELECT"
		 " printf('02-00-00-%02x-%02x-%02x', i >> 16, i >> 8 & 255, i & 255),"
		 " 'boot', 0, '', i, i % 2, 0, '', 0, 0 FROM n");
	sqlite3_close(db);
	l = born();
	UNTIL(strcmp(on_disk("SELECT count(*) FROM state WHERE NOT once_used"),
		      "65537") == 0); /* and the one that was set */
	assert_string_equal(
		on_disk("SELECT count(*) FROM state WHERE once_used"), "70000");
	dies(&l);
}

static void
forgotten_and_known_anew_has_no_history(void **state)
{
	struct life l = born();
	sqlite3 *db;

	tell(&l, &first, EV_ASKED, "secret");
	UNTIL(strcmp(on_disk(EVENTS_NAMED("secret")), "1") == 0);
	db = outsider();
	does(db, "BEGIN EXCLUSIVE"); /* both are taken at once then */
	registry_forget(l.r, &first);
	assert_true(cannot_set(&l, &first, STATE_LOCAL));
	does(db, "COMMIT");
	sqlite3_close(db);
	UNTIL(strcmp(on_disk(STATE_OF_FIRST), "local") == 0);
	assert_string_equal(on_disk(EVENTS_NAMED("secret")), "0");
	dies(&l);
}

static void
machines_come_back(void **state)
{
	struct sighting who = {.mac = first, .has_mac = true, .arch = -1};
	struct life l = born();
	struct machine_view m;

	assert_true(netaddr_parse_host("192.0.2.7", &who.addr));
	registry_tell(l.r, &who, &(struct event){.kind = EV_DISCOVER, .arch = -1});
	tell(&l, &first, EV_ASKED, "x");
	UNTIL(health(&l).written >= registry_newest(l.r));
	dies(&l);
	l = born();
	assert_true(registry_machine(l.r, &first, &m));
	assert_string_equal(m.product, "Box 9");
	assert_memory_equal(&m.macs[0], &first, sizeof(first));
	assert_true(netaddr_same_host(&m.addr, &who.addr));
	assert_true(registry_machine_last_at(l.r, &who.addr, &m));
	assert_memory_equal(&m.mac, &first, sizeof(first));
	dies(&l);
}

/* As the first pixie made it, with what it wrote. */
static const char first_schema[] =
	"PRAGMA journal_mode=WAL;"
	"CREATE TABLE state (mac TEXT PRIMARY KEY, state TEXT NOT NULL,"
	" state_set INTEGER NOT NULL, by TEXT NOT NULL, changed_ms INTEGER NOT NULL,"
	" once_used INTEGER NOT NULL, once_boot INTEGER NOT NULL, token TEXT NOT NULL,"
	" token_boot INTEGER NOT NULL, done INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE machine (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" mac TEXT NOT NULL UNIQUE, macs TEXT, address TEXT, uuid TEXT, arch INTEGER,"
	" firmware TEXT, vendor TEXT, product TEXT, serial TEXT, first_ms INTEGER,"
	" last_ms INTEGER, boot INTEGER, boot_ms INTEGER, boot_end_ms INTEGER,"
	" outcome TEXT, verdict TEXT, verdict_text TEXT, next_step TEXT);"
	"CREATE INDEX machine_last ON machine(last_ms);"
	"CREATE TABLE event (id INTEGER PRIMARY KEY, machine INTEGER NOT NULL,"
	" wall_ms INTEGER NOT NULL, boot INTEGER, kind TEXT NOT NULL, via TEXT,"
	" name TEXT, text TEXT, bytes INTEGER, total INTEGER, resent INTEGER,"
	" status INTEGER, arch INTEGER, ms INTEGER);"
	"CREATE INDEX event_machine ON event(machine, id);"
	"INSERT INTO state VALUES('52-54-00-00-00-01', 'local', 1, 'api', 1, 0, 0, '', 0,"
	" 0), ('52-54-00-00-00-02', 'boot', 0, '', 1, 1, 0, '', 0, 0);"
	"INSERT INTO machine VALUES(7, '52-54-00-00-00-01', '52-54-00-00-00-01',"
	" '192.0.2.7', NULL, 7, NULL, NULL, 'Box 9', NULL, 1000, 2000, 3, 1000, 2000,"
	" 'booted', NULL, NULL, NULL);"
	"INSERT INTO event VALUES(40, 7, strftime('%s') * 1000, 3, 'sent', 'tftp',"
	" 'undionly.kpxe', NULL, 65000, 65000, 12, NULL, -1, 80);"
	"PRAGMA application_id=1885960293; PRAGMA user_version=1";

static void
has_the_first_ones_event(struct life *l)
{
	struct event e[8];
	char words[512];

	assert_in_range(
		store_history(l->s, &first, UINT64_MAX, e, 8, words, sizeof(words)), 1,
		8);
	assert_string_equal(e[0].name, "undionly.kpxe");
	assert_int_equal(e[0].bytes, 65000);
	assert_int_equal(e[0].resent, 12);
	assert_int_equal(e[0].packets, 0);
	assert_int_equal(e[0].boot, 3);
}

static void
database_of_the_first_schema_is_taken_over(void **state)
{
	struct sighting who = {.mac = first, .has_mac = true, .arch = -1};
	sqlite3 *db = outsider();
	struct machine_view m;
	struct event e;
	struct life l;
	char words[256];

	does(db, first_schema);
	sqlite3_close(db);
	l = born();
	assert_true(health(&l).ok);
	assert_string_equal(on_disk("PRAGMA user_version"), "2");
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_LOCAL);
	assert_int_equal(registry_state(l.r, &second, STATE_ONCE), STATE_LOCAL);
	assert_true(registry_machine(l.r, &first, &m));
	assert_string_equal(m.product, "Box 9");
	assert_int_equal(m.boot, 3);
	has_the_first_ones_event(&l);
	registry_tell(l.r, &who,
		&(struct event){.kind = EV_SENT,
			.via = VIA_TFTP,
			.arch = -1,
			.name = "snponly64.efi",
			.packets = 42});
	UNTIL(strcmp(on_disk(EVENTS_NAMED("snponly64.efi")), "1") == 0);
	assert_int_equal(
		store_history(l.s, &first, UINT64_MAX, &e, 1, words, sizeof(words)), 1);
	assert_int_equal(e.packets, 42);
	has_the_first_ones_event(&l);
	dies(&l);
}

/* It cannot be brought up to date as long as somebody else writes to it. */
static void
database_of_the_first_schema_is_read_as_it_is(void **state)
{
	sqlite3 *db = outsider();
	struct life l;

	does(db, first_schema);
	does(db, "BEGIN IMMEDIATE");
	l = born();
	assert_false(health(&l).ok);
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_LOCAL);
	has_the_first_ones_event(&l);
	does(db, "ROLLBACK");
	sqlite3_close(db);
	UNTIL(health(&l).ok);
	assert_string_equal(on_disk("PRAGMA user_version"), "2");
	has_the_first_ones_event(&l);
	dies(&l);
}

/* Its state is set before it was ever seen; when it was first seen is kept from then on.
 */
static void
seen_after_its_state_was_set(void **state)
{
	struct life l = born();

	assert_true(set(&l, &first, STATE_ONCE));
	UNTIL(strcmp(on_disk("SELECT last_ms FROM machine"), "0") == 0);
	tell(&l, &first, EV_ASKED, "chain.ipxe");
	UNTIL(strcmp(on_disk(EVENTS_NAMED("chain.ipxe")), "1") == 0);
	assert_string_equal(
		on_disk("SELECT first_ms > 0 AND first_ms <= last_ms FROM machine"), "1");
	dies(&l);
}

static void
close_writes_what_is_left(void **state)
{
	struct life l = born();

	tell(&l, &first, EV_ASKED, "last words");
	registry_set_state(l.r, &first, STATE_LOCAL, "api");
	dies(&l);
	assert_string_equal(on_disk(EVENTS_NAMED("last words")), "1");
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
}

static void
locked_is_said_and_written_when_the_lock_is_gone(void **state)
{
	struct life l = born();
	sqlite3 *db = outsider();

	does(db, "BEGIN EXCLUSIVE");
	assert_true(cannot_set(&l, &first, STATE_LOCAL));
	UNTIL(!health(&l).ok);
	assert_non_null(strstr(health(&l).why, "locked"));
	/* Memory has it all the same. */
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_LOCAL);
	tell(&l, &first, EV_ASKED, "in the dark");
	does(db, "ROLLBACK");
	sqlite3_close(db);
	UNTIL(health(&l).ok);
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
	UNTIL(strcmp(on_disk(EVENTS_NAMED("in the dark")), "1") == 0);
	dies(&l);
}

static void
locked_at_start_is_read_all_the_same(void **state)
{
	struct life l = born();
	sqlite3 *db;

	assert_true(set(&l, &first, STATE_LOCAL));
	dies(&l);
	db = outsider();
	does(db, "BEGIN EXCLUSIVE");
	l = born();
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_LOCAL);
	does(db, "ROLLBACK");
	sqlite3_close(db);
	assert_true(set(&l, &second, STATE_ONCE));
	dies(&l);
}

/* Another program that has it to itself: not even reading works. */
static void
unreadable_at_start_is_read_later(void **state)
{
	struct life l = born();
	char token[DONE_TOKEN_TEXT];
	sqlite3 *db;

	assert_true(set(&l, &first, STATE_LOCAL));
	dies(&l);
	db = outsider();
	does(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; "
		 "UPDATE state SET changed_ms=7; COMMIT");
	l = born();
	assert_false(health(&l).ok);
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_BOOT);
	/* It gets its script then, with a token: that is no new word on its state. */
	tell(&l, &first, EV_ASKED, "x");
	assert_true(registry_done_token(l.r, &first, token));
	sqlite3_close(db);
	UNTIL(health(&l).ok);
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_LOCAL);
	assert_true(is_durable(&l, registry_generation(l.r)));
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
	dies(&l);
}

static void
deleted_is_made_anew_from_memory(void **state)
{
	struct life l = born();

	assert_true(set(&l, &first, STATE_LOCAL));
	lose_the_database();
	assert_true(set(&l, &second, STATE_ONCE));
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
	assert_string_equal(on_disk(STATE_OF_SECOND), "once");
	assert_true(health(&l).ok);
	dies(&l);
}

/* Somebody moved it away and put another one there. */
static void
replaced_gets_what_memory_knows(void **state)
{
	struct life l = born();
	char to[512];

	assert_true(set(&l, &first, STATE_LOCAL));
	snprintf(to, sizeof(to), "%s", in_sandbox("moved.db"));
	assert_int_equal(rename(in_sandbox(FILE_NAME), to), 0);
	unlink(in_sandbox(FILE_NAME "-wal"));
	put_file(FILE_NAME, "");
	assert_true(set(&l, &second, STATE_ONCE));
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
	dies(&l);
}

static void
garbage_is_moved_aside_at_start(void **state)
{
	struct life l;

	put_file(FILE_NAME,
		"This is not a database. It only lies where one should be, and "
		"it is longer than the first hundred bytes of one.");
	l = born();
	assert_true(health(&l).ok);
	assert_int_equal(files_named(FILE_NAME ".corrupt-2"), 1);
	assert_true(set(&l, &first, STATE_LOCAL));
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
	dies(&l);
}

static void
overwrite(long from, long to)
{
	FILE *f = fopen(in_sandbox(FILE_NAME), "r+");

	assert_non_null(f);
	assert_int_equal(fseek(f, from, SEEK_SET), 0);
	for (long i = from; i < to; i++)
		fputc(0xa5, f);
	assert_int_equal(fclose(f), 0);
}

static void
fill(struct life *l)
{
	for (int i = 0; i < 300; i++) {
		struct mac mac = {{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};

		registry_set_state(l->r, &mac, STATE_LOCAL, "api");
		tell(l, &mac, EV_ASKED, "filler");
	}
	UNTIL(health(l).written >= 300);
}

/* A page of the history is no page any more: found by the check at start. */
static void
corrupt_page_is_found_and_states_survive(void **state)
{
	struct life l = born();

	fill(&l);
	assert_true(set(&l, &first, STATE_IGNORE));
	dies(&l);
	overwrite(atol(on_disk("SELECT (rootpage - 1) * 4096 FROM sqlite_schema "
			       "WHERE name='event'")),
		atol(on_disk(
			"SELECT rootpage * 4096 FROM sqlite_schema WHERE name='event'")));
	l = born();
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_IGNORE);
	UNTIL(files_named(FILE_NAME ".corrupt-2") > 0);
	UNTIL(strcmp(on_disk(STATE_OF_FIRST), "ignore") == 0);
	UNTIL(health(&l).ok);
	assert_string_equal(
		on_disk("SELECT count(*) FROM state WHERE state='local'"), "300");
	UNTIL(atoi(on_disk("SELECT count(*) FROM machine")) >= 300);
	dies(&l);
}

static void
cut_under_us_is_made_anew_from_memory(void **state)
{
	struct life l = born();
	sqlite3 *db;

	fill(&l);
	assert_true(set(&l, &first, STATE_LOCAL));
	db = outsider();
	does(db, "PRAGMA wal_checkpoint(TRUNCATE)");
	sqlite3_close(db);
	assert_true(set(&l, &first, STATE_ONCE));
	assert_int_equal(truncate(in_sandbox(FILE_NAME), 5000), 0);
	registry_set_state(l.r, &second, STATE_IGNORE, "api");
	UNTIL(strcmp(on_disk(STATE_OF_SECOND), "ignore") == 0 && health(&l).ok);
	assert_string_equal(on_disk(STATE_OF_FIRST), "once");
	assert_string_equal(
		on_disk("SELECT count(*) FROM state WHERE state='local'"), "300");
	assert_string_equal(on_disk("PRAGMA integrity_check"), "ok");
	dies(&l);
}

/* The file keeps its length, and SQLite its pages in memory: it would not notice. */
static void
overwritten_under_us_is_made_anew_from_memory(void **state)
{
	struct life l = born();
	sqlite3 *db = outsider();

	fill(&l);
	assert_true(set(&l, &first, STATE_LOCAL));
	does(db, "PRAGMA wal_checkpoint(TRUNCATE)");
	sqlite3_close(db);
	UNTIL(health(&l).ok);
	overwrite(4096, 6 * 4096);
	/* Nobody has to write, nor ask. */
	UNTIL(files_named(FILE_NAME ".corrupt-2") > 0);
	UNTIL(strcmp(on_disk(STATE_OF_FIRST), "local") == 0);
	UNTIL(health(&l).ok);
	assert_string_equal(
		on_disk("SELECT count(*) FROM state WHERE state='local'"), "301");
	assert_string_equal(on_disk("PRAGMA integrity_check"), "ok");
	dies(&l);
}

struct write {
	struct backend *backend;
	enum stored how;
};

static void *
write_a_state(void *arg)
{
	const struct state_record record = {.mac = first, .state = STATE_LOCAL};
	struct write *w = arg;
	char why[STORE_WHY];

	w->how = w->backend->ops->write(
		w->backend, &(struct store_batch){.states = &record, .n_states = 1}, why);
	return NULL;
}

/* Between our look at the file and the end of our transaction, which waits for a lock. */
static void
written_amid_our_write_is_noticed(void **state)
{
	struct write w = {.backend = backend_sqlite(in_sandbox(FILE_NAME))};
	char why[STORE_WHY];
	pthread_t thread;
	sqlite3 *db;
	bool fresh;

	assert_int_equal(w.backend->ops->open(w.backend, &fresh, why), STORED);
	db = outsider();
	do {
		does(db, "BEGIN IMMEDIATE");
		assert_int_equal(pthread_create(&thread, NULL, write_a_state, &w), 0);
		nap();
		assert_int_equal(utimensat(AT_FDCWD, in_sandbox(FILE_NAME), NULL, 0), 0);
		does(db, "ROLLBACK");
		pthread_join(thread, NULL);
	} while (w.how == STORE_LATER); /* the lock was held for too long */
	if (w.how == STORED)
		write_a_state(&w);
	assert_int_equal(w.how, STORE_TROUBLE);
	w.backend->ops->free(w.backend);
	sqlite3_close(db);
}

static void
deleted_while_nothing_happens_is_made_anew(void **state)
{
	struct life l = born();

	assert_true(set(&l, &first, STATE_LOCAL));
	tell(&l, &first, EV_ASKED, "before");
	UNTIL(strcmp(on_disk(EVENTS_NAMED("before")), "1") == 0);
	assert_int_equal(unlink(in_sandbox(FILE_NAME)), 0);
	UNTIL(files_named(FILE_NAME "-wal") == 1 &&
		strcmp(on_disk(STATE_OF_FIRST), "local") == 0);
	UNTIL(strcmp(on_disk(EVENTS_NAMED("before")), "1") == 0);
	dies(&l);
}

/* What SQLite keeps in shared memory beside it: without a guard this is a SIGBUS. */
static void
index_cut_under_us_does_not_end_the_process(void **state)
{
	struct life l = born();
	struct event events[8];
	char words[256];

	fill(&l);
	assert_true(set(&l, &first, STATE_LOCAL));
	assert_int_equal(truncate(in_sandbox(FILE_NAME "-shm"), 0), 0);
	store_history(l.s, &first, UINT64_MAX, events, 8, words, sizeof(words));
	set(&l, &second, STATE_IGNORE);
	UNTIL(health(&l).ok && strcmp(on_disk(STATE_OF_SECOND), "ignore") == 0);
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
	assert_string_equal(on_disk("PRAGMA integrity_check"), "ok");
	assert_true(set(&l, &first, STATE_ONCE));
	assert_string_equal(on_disk(STATE_OF_FIRST), "once");
	dies(&l);
}

static void
all_overwritten_under_us(void **state)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	struct life l = born();

	fill(&l);
	assert_true(set(&l, &first, STATE_LOCAL));
	for (size_t i = 0; i < COUNT(parts); i++) {
		char name[64];

		snprintf(name, sizeof(name), FILE_NAME "%s", parts[i]);
		put_file(name, "garbage, and shorter than it was\n");
	}
	registry_set_state(l.r, &second, STATE_IGNORE, "api");
	UNTIL(health(&l).ok && strcmp(on_disk(STATE_OF_SECOND), "ignore") == 0);
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
	assert_string_equal(
		on_disk("SELECT count(*) FROM state WHERE state='local'"), "301");
	assert_string_equal(on_disk("PRAGMA integrity_check"), "ok");
	dies(&l);
}

static void
vacuumed_is_no_corruption(void **state)
{
	struct life l = born();
	sqlite3 *db = outsider();

	fill(&l);
	does(db, "DELETE FROM event; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
	sqlite3_close(db);
	registry_set_state(l.r, &second, STATE_IGNORE, "api");
	UNTIL(strcmp(on_disk(STATE_OF_SECOND), "ignore") == 0 && health(&l).ok);
	assert_int_equal(files_named(FILE_NAME ".corrupt"), 0);
	dies(&l);
}

static void
another_programs_database_is_left_alone(void **state)
{
	sqlite3 *db = outsider();
	struct life l;

	does(db, "CREATE TABLE theirs(x); INSERT INTO theirs VALUES(42)");
	sqlite3_close(db);
	l = born();
	assert_false(health(&l).ok);
	assert_non_null(strstr(health(&l).why, "another program's"));
	assert_true(cannot_set(&l, &first, STATE_LOCAL));
	dies(&l);
	assert_string_equal(on_disk("SELECT x FROM theirs"), "42");
	assert_string_equal(on_disk("SELECT count(*) FROM sqlite_schema"), "1");
	assert_int_equal(files_named(FILE_NAME ".corrupt"), 0);
}

static void
newer_pixies_database_is_left_alone(void **state)
{
	struct life l = born();
	sqlite3 *db;

	assert_true(set(&l, &first, STATE_LOCAL));
	dies(&l);
	db = outsider();
	does(db, "PRAGMA user_version=99");
	sqlite3_close(db);
	l = born();
	assert_false(health(&l).ok);
	assert_non_null(strstr(health(&l).why, "newer pixie"));
	dies(&l);
	assert_string_equal(on_disk(STATE_OF_FIRST), "local");
}

static void
directory_that_comes_later_is_used_then(void **state)
{
	char path[512];
	struct life l;

	snprintf(path, sizeof(path), "%s/later/%s", sandbox, FILE_NAME);
	l = born_at(path);
	assert_false(health(&l).ok);
	assert_true(cannot_set(&l, &first, STATE_LOCAL));
	put_dir("later");
	UNTIL(health(&l).ok);
	dies(&l);
	l = born_at(path);
	assert_int_equal(registry_state(l.r, &first, STATE_BOOT), STATE_LOCAL);
	dies(&l);
}

static void
strangers_cannot_read_it(void **state)
{
	struct life l = born();
	struct stat st;

	assert_true(set(&l, &first, STATE_LOCAL));
	assert_int_equal(stat(in_sandbox(FILE_NAME), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(in_sandbox(FILE_NAME "-wal"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	dies(&l);
}

#define T(test) cmocka_unit_test_setup_teardown(test, make_sandbox, remove_sandbox)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(none_keeps_memory_only),
		T(what_is_durable_is_on_the_disk_and_back_after_a_start),
		T(many_changes_are_all_there),
		T(history_is_written_and_read),
		T(forgotten_is_gone_with_its_history),
		T(fleet_is_larger_than_memory),
		T(machine_out_of_memory_is_found_on_disk),
		T(other_card_of_a_fleet_is_known_after_a_start),
		T(names_of_a_fleet_are_written_anew),
		T(state_is_that_of_all_cards_after_each_start),
		T(card_is_no_machine_of_its_own),
		T(card_of_a_machine_out_of_memory_is_found_on_disk),
		T(cards_with_one_uuid_are_one_after_a_start),
		T(cards_that_came_apart_are_apart_after_a_start),
		T(used_up_is_never_pruned),
		T(forgotten_and_known_anew_has_no_history),
		T(machines_come_back),
		T(database_of_the_first_schema_is_taken_over),
		T(database_of_the_first_schema_is_read_as_it_is),
		T(seen_after_its_state_was_set),
		T(close_writes_what_is_left),
		T(locked_is_said_and_written_when_the_lock_is_gone),
		T(locked_at_start_is_read_all_the_same),
		T(unreadable_at_start_is_read_later),
		T(deleted_is_made_anew_from_memory),
		T(replaced_gets_what_memory_knows),
		T(garbage_is_moved_aside_at_start),
		T(corrupt_page_is_found_and_states_survive),
		T(cut_under_us_is_made_anew_from_memory),
		T(overwritten_under_us_is_made_anew_from_memory),
		T(written_amid_our_write_is_noticed),
		T(deleted_while_nothing_happens_is_made_anew),
		T(index_cut_under_us_does_not_end_the_process),
		T(all_overwritten_under_us),
		T(vacuumed_is_no_corruption),
		T(another_programs_database_is_left_alone),
		T(newer_pixies_database_is_left_alone),
		T(directory_that_comes_later_is_used_then),
		T(strangers_cannot_read_it),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
