/* The SQLite backend's own three files share this: open and mend, write, read. */
#ifndef PIXIE_STORE_SQLITE_H
#define PIXIE_STORE_SQLITE_H

#include <limits.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "store/backend.h"

enum sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_STATE,
	SQL_FORGET_EVENTS,
	SQL_FORGET_MACHINE,
	SQL_FORGET_STATE,
	SQL_MACHINE,
	SQL_TAKE_EVENTS,
	SQL_EVENT,
	SQL_COUNT,
};

struct sqlite {
	struct backend backend;
	char path[PATH_MAX];
	sqlite3 *db;
	sqlite3_stmt *prepared[SQL_COUNT];
	/* The file that `db` has open and its WAL, as our last write left them. */
	struct stat seen, seen_wal;
	int wal_pages;
};

/*
 * What an SQLite result means, `why` filled unless it is STORED. `db` may be NULL.
 */
enum stored sqlite_says(sqlite3 *db, int rc, char why[static STORE_WHY]);
/* Whether the path still leads to the file that is open. */
enum stored sqlite_still_there(struct sqlite *s, char why[static STORE_WHY]);
/* And whether it is as our last write left it: else it is to be looked through. */
enum stored sqlite_untouched(struct sqlite *s, char why[static STORE_WHY]);
/* After a write: moves a long WAL into the file, and remembers how they look. */
void sqlite_wrote(struct sqlite *s);

enum stored sqlite_prepare(struct sqlite *s, char why[static STORE_WHY]);
void sqlite_unprepare(struct sqlite *s);

/* Of the backend's table, each in the file it belongs to. */
enum stored sqlite_write(
	struct backend *b, const struct store_batch *batch, char why[static STORE_WHY]);
enum stored sqlite_prune(struct backend *b, const struct store_bounds *bounds,
	int64_t now_ms, bool *more, char why[static STORE_WHY]);
enum stored sqlite_load(
	struct backend *b, const struct store_sink *sink, char why[static STORE_WHY]);
bool sqlite_machine(struct backend *b, const struct mac *mac, struct machine_view *out);
size_t sqlite_history(struct backend *b, const struct mac *mac, uint64_t before_ms,
	struct event *out, size_t max, char *buf, size_t cap);

#endif
