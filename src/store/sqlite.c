/*
 * The database: opened, brought up to date, checked, moved aside.
 *
 * WAL with synchronous=FULL: what is committed is on the disk, and who reads does not
 * stop who writes. No memory map of the database: a file that somebody cuts must give
 * an error and not SIGBUS. Its descriptors are SQLite's alone: closing another one of
 * the same file would drop its POSIX locks, so the file is only ever looked at by stat.
 */
#include "store/sqlite.h"

#include "store/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION_ID 0x70697865 /* "pixe", for file(1) and against mistakes */
#define BUSY_MS 200
#define CHECKPOINT_PAGES 1000

/* Each takes the schema from its index to the next. One that was released stays. */
static const char *const migrations[] = {
	"CREATE TABLE state ("
	" mac TEXT PRIMARY KEY,"
	" state TEXT NOT NULL,"        /* boot, once, local, ignore */
	" state_set INTEGER NOT NULL," /* by somebody; 0: the script's word counts */
	" by TEXT NOT NULL,"
	" changed_ms INTEGER NOT NULL,"
	" once_used INTEGER NOT NULL,"
	" once_boot INTEGER NOT NULL,"
	" token TEXT NOT NULL,"
	" token_boot INTEGER NOT NULL,"
	" done INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE machine ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT," /* old events must not become another's
						  */
	" mac TEXT NOT NULL UNIQUE,"
	" macs TEXT, address TEXT, uuid TEXT, arch INTEGER, firmware TEXT, vendor TEXT,"
	" product TEXT, serial TEXT, first_ms INTEGER, last_ms INTEGER,"
	" boot INTEGER, boot_ms INTEGER, boot_end_ms INTEGER,"
	" outcome TEXT, verdict TEXT, verdict_text TEXT, next_step TEXT);"
	"CREATE INDEX machine_last ON machine(last_ms);"
	/* machine 0: none. NULL: the event does not say. */
	"CREATE TABLE event ("
	" id INTEGER PRIMARY KEY,"
	" machine INTEGER NOT NULL, wall_ms INTEGER NOT NULL, boot INTEGER,"
	" kind TEXT NOT NULL, via TEXT, name TEXT, text TEXT, bytes INTEGER,"
	" total INTEGER, resent INTEGER, status INTEGER, arch INTEGER, ms INTEGER);"
	"CREATE INDEX event_machine ON event(machine, id);",
	"ALTER TABLE event ADD COLUMN packets INTEGER;", /* of `bytes` */
};
#define SCHEMA (sizeof(migrations) / sizeof(*migrations))

enum stored
sqlite_says(sqlite3 *db, int rc, char why[static STORE_WHY])
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return STORED;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		snprintf(why, STORE_WHY, "another program has locked it");
		return STORE_LATER;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		snprintf(why, STORE_WHY, "it is corrupt (%s)", sqlite3_errstr(rc));
		return STORE_CORRUPT;
	case SQLITE_FULL:
		snprintf(why, STORE_WHY, "the disk is full");
		return STORE_LATER;
	case SQLITE_READONLY:
		snprintf(why, STORE_WHY, "the file or its disk is read only");
		return STORE_TROUBLE;
	}
	if (db != NULL && sqlite3_system_errno(db) != 0)
		snprintf(why, STORE_WHY, "%s: %s", sqlite3_errstr(rc),
			strerror(sqlite3_system_errno(db)));
	else
		snprintf(why, STORE_WHY, "%s", sqlite3_errstr(rc));
	return STORE_TROUBLE;
}

static struct sqlite *
sqlite_of(struct backend *b)
{
	return (struct sqlite *)b;
}

static void
sqlite_close(struct backend *b)
{
	struct sqlite *s = sqlite_of(b);

	sqlite_unprepare(s);
	sqlite3_close_v2(s->db);
	s->db = NULL;
}

static bool
stat_wal(const struct sqlite *s, struct stat *st)
{
	char name[PATH_MAX + 8];

	snprintf(name, sizeof(name), "%s-wal", s->path);
	return stat(name, st) == 0;
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

enum stored
sqlite_still_there(struct sqlite *s, char why[static STORE_WHY])
{
	struct stat st;

	if (guard_struck()) {
		snprintf(why, STORE_WHY, "its file -shm was cut short under us");
		return STORE_TROUBLE;
	}
	if (stat(s->path, &st) < 0) {
		snprintf(why, STORE_WHY, "it was deleted or cannot be reached: %s",
			strerror(errno));
		return errno == ENOENT ? STORE_GONE : STORE_TROUBLE;
	}
	if (st.st_dev != s->seen.st_dev || st.st_ino != s->seen.st_ino) {
		snprintf(why, STORE_WHY, "another file took its place");
		return STORE_GONE;
	}
	return STORED;
}

/*
 * What somebody else wrote may be good (an admin with sqlite3) or garbage, which SQLite
 * would notice only much later, its pages being in memory.
 */
enum stored
sqlite_untouched(struct sqlite *s, char why[static STORE_WHY])
{
	enum stored how = sqlite_still_there(s, why);
	struct stat st, wal;

	if (how != STORED)
		return how;
	if (stat(s->path, &st) == 0 && same(&st, &s->seen) && stat_wal(s, &wal) &&
		same(&wal, &s->seen_wal))
		return STORED;
	snprintf(why, STORE_WHY, "somebody else wrote to it: it is looked through");
	return STORE_TROUBLE;
}

static int
on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sqlite *s = arg;

	(void)db;
	(void)name;
	s->wal_pages = pages;
	return SQLITE_OK;
}

void
sqlite_wrote(struct sqlite *s)
{
	/* The file itself we only touch here: else what it looks like is not our doing. */
	if (s->wal_pages >= CHECKPOINT_PAGES) {
		sqlite3_wal_checkpoint_v2(
			s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		stat(s->path, &s->seen);
	}
	if (!stat_wal(s, &s->seen_wal))
		s->seen_wal = (struct stat){0};
}

static enum stored
run(struct sqlite *s, const char *sql, char why[static STORE_WHY])
{
	return sqlite_says(s->db, sqlite3_exec(s->db, sql, NULL, NULL, NULL), why);
}

/* The one number a statement yields, `otherwise` when it yields none. */
static enum stored
number(struct sqlite *s, const char *sql, int64_t *out, char why[static STORE_WHY])
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		*out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
		sqlite3_finalize(st);
	}
	return sqlite_says(s->db, rc, why);
}

/* Whose file it is: nobody's (empty), ours, or one to be left alone. */
static enum stored
is_ours(struct sqlite *s, int64_t *version, char why[static STORE_WHY])
{
	int64_t id = 0, tables = 0;
	enum stored how = number(s, "PRAGMA application_id", &id, why);

	if (how == STORED)
		how = number(s, "PRAGMA user_version", version, why);
	if (how == STORED)
		how = number(s, "SELECT count(*) FROM sqlite_schema", &tables, why);
	if (how != STORED)
		return how;
	if (id != APPLICATION_ID && (id != 0 || tables != 0)) {
		snprintf(why, STORE_WHY, "it is another program's database");
		return STORE_FOREIGN;
	}
	if (*version > (int64_t)SCHEMA) {
		snprintf(why, STORE_WHY,
			"a newer pixie made it (schema %lld, this one knows %zu)",
			(long long)*version, SCHEMA);
		return STORE_FOREIGN;
	}
	return STORED;
}

static enum stored
migrate(struct sqlite *s, int64_t from, char why[static STORE_WHY])
{
	char mark[96];
	enum stored how;

	if (from == (int64_t)SCHEMA)
		return STORED;
	how = run(s, "BEGIN IMMEDIATE", why);
	for (size_t i = (size_t)from; how == STORED && i < SCHEMA; i++)
		how = run(s, migrations[i], why);
	snprintf(mark, sizeof(mark),
		"PRAGMA application_id=%d; PRAGMA user_version=%zu; COMMIT",
		APPLICATION_ID, SCHEMA);
	return how == STORED ? run(s, mark, why) : how;
}

/* Nobody else's eyes: it holds the tokens of installations that run. */
static void
make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
}

static enum stored
open_file(struct sqlite *s, char why[static STORE_WHY])
{
	int rc;

	make_file(s->path);
	rc = sqlite3_open_v2(
		s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return sqlite_says(s->db, rc, why);
	if (stat(s->path, &s->seen) < 0) {
		snprintf(why, STORE_WHY, "%s", strerror(errno));
		return STORE_TROUBLE;
	}
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_wal_hook(s->db, on_wal, s); /* in the place of its own checkpoints */
	/* A small cache: what is read again is in the kernel's. Negative: KiB. */
	return run(s,
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		"PRAGMA cache_size=-256;"
		"PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;"
		"PRAGMA journal_size_limit=8388608; PRAGMA trusted_schema=OFF",
		why);
}

static enum stored
sqlite_open(struct backend *b, bool *fresh, char why[static STORE_WHY])
{
	struct sqlite *s = sqlite_of(b);
	int64_t version = 0;
	enum stored how = open_file(s, why);

	if (how == STORED)
		how = is_ours(s, &version, why);
	if (how == STORED)
		how = migrate(s, version, why);
	if (how == STORED)
		how = sqlite_prepare(s, why);
	if (how == STORED) {
		stat(s->path, &s->seen);
		sqlite_wrote(s);
	}
	*fresh = version == 0;
	if (how != STORED)
		sqlite_close(b);
	return how;
}

static enum stored
sqlite_check(struct backend *b, bool thorough, char why[static STORE_WHY])
{
	struct sqlite *s = sqlite_of(b);
	sqlite3_stmt *st;
	/* Only the second looks whether the indexes have what the tables have. */
	int rc = sqlite3_prepare_v2(s->db,
		thorough ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)", -1, &st,
		NULL);
	enum stored how = STORED;

	if (rc != SQLITE_OK)
		return sqlite_says(s->db, rc, why);
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		how = sqlite_says(s->db, rc, why);
	else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0) {
		snprintf(why, STORE_WHY, "it is corrupt (%.120s)",
			sqlite3_column_text(st, 0));
		how = STORE_CORRUPT;
	}
	sqlite3_finalize(st);
	return how;
}

/* FILE.corrupt-20261123T093000Z, with the two files that belong to it. */
static enum stored
sqlite_move_aside(struct backend *b, char *moved, size_t cap, char why[static STORE_WHY])
{
	struct sqlite *s = sqlite_of(b);
	static const char *const parts[] = {"-wal", "-shm", ""};
	char from[PATH_MAX + 8], to[PATH_MAX + 64], date[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		snprintf(from, sizeof(from), "%s%s", s->path, parts[i]);
		snprintf(to, sizeof(to), "%s.corrupt-%s%s", s->path, date, parts[i]);
		if (rename(from, to) < 0 && errno != ENOENT) {
			snprintf(why, STORE_WHY,
				"it is corrupt and cannot be moved aside: %s",
				strerror(errno));
			return STORE_TROUBLE;
		}
	}
	snprintf(moved, cap, "%s", to);
	return STORED;
}

static void
sqlite_free(struct backend *b)
{
	sqlite_close(b);
	free(b);
}

static const struct backend_ops ops = {
	.open = sqlite_open,
	.close = sqlite_close,
	.load = sqlite_load,
	.check = sqlite_check,
	.write = sqlite_write,
	.prune = sqlite_prune,
	.move_aside = sqlite_move_aside,
	.machine = sqlite_machine,
	.history = sqlite_history,
	.free = sqlite_free,
};

struct backend *
backend_sqlite(const char *path)
{
	struct sqlite *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->backend.ops = &ops;
	snprintf(s->path, sizeof(s->path), "%s", path);
	return &s->backend;
}
