/*
 * Where states and history outlive the process. Memory first, store behind: a thread of
 * its own reads the registry (dirty records at once, the ring twice a second) and writes;
 * nothing that boots a machine ever waits for it. A vtable, so that a directory or etcd
 * can stand where SQLite does.
 */
#ifndef PIXIE_STORE_STORE_H
#define PIXIE_STORE_STORE_H

#include "machine/registry.h"

struct store;

/*
 * Opens `path` ("none": memory only) and fills the registry from it. Never fails for
 * the database's sake: one that is locked, full, read only or corrupt is reported (log,
 * store_health()) and tried again; a corrupt file is moved aside, never deleted.
 * NULL only without memory or threads.
 */
struct store *store_open(const char *path, struct registry *registry);
/*
 * Nobody chose the "none" it was opened with, there is no place for a file: `why` is what
 * store_health() says, and nothing counts as on disk. Before anybody asks.
 */
void store_has_no_place(struct store *s, const char *why);
/*
 * Writes what is left, for a second or two at most, and closes. False when the disk
 * hangs: the thread is then left behind, and with it the registry and whoever waits. NULL
 * is fine.
 */
bool store_close(struct store *s);

/*
 * Calls fn(arg, ok) when every state change up to `generation` is on disk (ok), or could
 * not be written within about two seconds, whatever the disk does (!ok: it holds in
 * memory and is tried again). From a thread of the store's, for which others wait: `fn`
 * hands on what takes time. With "none" at once: ok, if somebody chose that.
 */
void store_when_durable(
	struct store *s, uint64_t generation, void (*fn)(void *arg, bool ok), void *arg);

struct store_health {
	bool ok;
	char why[160]; /* in words, "" when ok */
	const char *path;
	uint64_t written, lost; /* events of history */
};
void store_health(struct store *s, struct store_health *out);

/*
 * A machine that is no longer in memory, as it was last written. From the store's own
 * connection. False: it is not known either, or it cannot be read now.
 */
bool store_machine(struct store *s, const struct mac *mac, struct machine_view *out);

/*
 * History of one machine that is no longer in the ring, oldest first, in the form of
 * ring events; for `pixie explain` and the API. From the store's own connection;
 * bounded. Returns how many.
 */
size_t store_history(struct store *s, const struct mac *mac, uint64_t before_ms,
	struct event *out, size_t max, char *buf, size_t cap);

#endif
