/*
 * What stands behind the store: a place that takes batches and gives them back after a
 * restart. Only the store's thread calls it (store_open() before the thread runs), but
 * for history(), which keeps to a connection of its own. A backend neither logs nor
 * waits longer than a fraction of a second for somebody else's lock.
 */
#ifndef PIXIE_STORE_BACKEND_H
#define PIXIE_STORE_BACKEND_H

#include "store/store.h"

enum stored {
	STORED,
	STORE_LATER,   /* locked by somebody, or no room: it stays open */
	STORE_TROUBLE, /* read only, unreadable: to be opened anew */
	STORE_CORRUPT, /* to be moved aside; a new one begins */
	STORE_GONE,    /* deleted or replaced under us; a new one begins */
	STORE_FOREIGN, /* not a database of this pixie: never touched */
};

#define STORE_WHY 160

/* One transaction: all of it is on the disk, or nothing. */
struct store_batch {
	const struct state_record *states;
	const struct machine_view *machines;
	const struct event *events;
	size_t n_states, n_machines, n_events;
	int64_t now_ms;
};

/* Where load() puts what it finds. */
struct store_sink {
	void (*machine)(void *arg, const struct machine_view *m); /* least recent first */
	void (*state)(void *arg, const struct state_record *r);
	/* After the states, of those that have one: MACs and UUID. */
	void (*names)(void *arg, const struct machine_view *m);
	void *arg;
};

/* What history is kept; 0 is no bound. */
struct store_bounds {
	int64_t age_ms;
	unsigned a_machine; /* events of one machine */
	unsigned events;
	/* Of those without a state that somebody set or a script used up. */
	unsigned machines, states;
};

struct backend;

struct backend_ops {
	/*
	 * Opens it for writing, made and brought up to date when need be; `*fresh`: it
	 * was empty, so what memory knows is to be written. On failure it is closed, and
	 * `why` says why in words.
	 */
	enum stored (*open)(struct backend *b, bool *fresh, char why[static STORE_WHY]);
	void (*close)(struct backend *b);
	/* Reads it, without opening it for writing: also from a read-only disk.
	 * STORE_GONE: there is none yet. */
	enum stored (*load)(struct backend *b, const struct store_sink *sink,
		char why[static STORE_WHY]);
	/* Whether the open one is sound; reads all of it: a second for a million events.
	 * Thorough, after something happened to it, takes seven. */
	enum stored (*check)(
		struct backend *b, bool thorough, char why[static STORE_WHY]);
	/* An empty batch only looks whether the database is still there, and untouched.
	 */
	enum stored (*write)(struct backend *b, const struct store_batch *batch,
		char why[static STORE_WHY]);
	/* Forgets a bounded part of what is beyond the bounds; `*more`: not all yet. */
	enum stored (*prune)(struct backend *b, const struct store_bounds *bounds,
		int64_t now_ms, bool *more, char why[static STORE_WHY]);
	/* Moves a corrupt one aside; `moved` gets its new name. */
	enum stored (*move_aside)(
		struct backend *b, char *moved, size_t cap, char why[static STORE_WHY]);
	/* Any thread. False: not there, or it cannot be read now. */
	bool (*machine)(
		struct backend *b, const struct mac *mac, struct machine_view *out);
	/* Any thread. */
	size_t (*history)(struct backend *b, const struct mac *mac, uint64_t before_ms,
		struct event *out, size_t max, char *buf, size_t cap);
	void (*free)(struct backend *b);
};

struct backend {
	const struct backend_ops *ops;
};

/* The database at `path`, not opened yet; NULL without memory. */
struct backend *backend_sqlite(const char *path);

#endif
