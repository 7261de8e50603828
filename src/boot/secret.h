/*
 * Files of pixie's own that are served under no name whatever: a link in a served
 * directory, or another name of the same file, would give the states' tokens away, or the
 * admin's.
 */
#ifndef PIXIE_BOOT_SECRET_H
#define PIXIE_BOOT_SECRET_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * The file at `path`, there now or later, is secret from now on; of a database also what
 * SQLite has beside it (-wal, -shm). One of each. At start, before anything is served;
 * `path` is borrowed for ever. NULL: none.
 */
void secret_keep_token(const char *path);
void secret_keep_database(const char *path);
/* Whether it is one of them, by device and inode as they are now. */
bool secret_is(const struct stat *st);

#endif
