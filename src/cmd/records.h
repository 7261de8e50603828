/* What serve keeps of the machines: the registry, and the store that outlives it. */
#ifndef PIXIE_CMD_RECORDS_H
#define PIXIE_CMD_RECORDS_H

#include <limits.h>

#include "boot/resolve.h"
#include "conf/conf.h"
#include "machine/registry.h"
#include "store/store.h"

struct records {
	char file[PATH_MAX];
	bool fell_back;            /* to memory only, and nobody asked for that */
	const char *why;           /* in that case */
	struct registry *registry; /* NULL with --no-timeline */
	struct store *store;
};

/* Which file it will be. EX_OK, or an exit status after one line on standard error. */
int records_choose(struct records *r, const struct conf *c, const struct site *site);
/*
 * Opens it and fills `site->registry`. To be called before the first machine is answered,
 * which then gets what its state says, but after the ports are ours: another pixie's
 * database is left alone.
 */
int records_open(struct records *r, const struct conf *c, struct site *site);
/* Once a second: silence tells of a boot as much as packets do. */
void records_tick(struct records *r);
/*
 * When no server runs any more: what their last words told is history too. False: the
 * disk hangs, the store's thread is left behind with all that it may still touch.
 */
bool records_close(struct records *r);

#endif
