/*
 * Files of pixie's own that are served under no name whatever: a link in a served
 * directory, or another name of the same file, would give the states' tokens away.
 */
#ifndef PIXIE_BOOT_SECRET_H
#define PIXIE_BOOT_SECRET_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * `path` and what SQLite has beside it (-wal, -shm), there now or later, are secret from
 * now on. At start, before anything is served; `path` is borrowed for ever. NULL: none.
 */
void secret_keep(const char *path);
/* Whether it is one of them, by device and inode as they are now. */
bool secret_is(const struct stat *st);

#endif
