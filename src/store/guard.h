/*
 * SQLite's WAL has an index beside it, FILE-shm, in shared memory. When somebody cuts
 * that file, the next access to a page that is gone raises SIGBUS, and would end the
 * process: a sick database must not. Threads that are inside get an empty page in its
 * place; SQLite takes that for a damaged index and makes it anew, and the database is
 * then closed and opened again.
 */
#ifndef PIXIE_STORE_GUARD_H
#define PIXIE_STORE_GUARD_H

#include <stdbool.h>

/* This thread uses a database from here on; and no more. */
void guard_enter(void);
void guard_leave(void);
/* Whether a page was lost, in any thread, since this was last asked. */
bool guard_struck(void);

#endif
