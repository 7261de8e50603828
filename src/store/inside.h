/*
 * What the store's two files share. store.c is the thread and the outside; writer.c is
 * what the thread does: nothing in it waits, nothing in it is called by others.
 */
#ifndef PIXIE_STORE_INSIDE_H
#define PIXIE_STORE_INSIDE_H

#include <limits.h>
#include <pthread.h>

#include "store/backend.h"
#include "store/waiters.h"

#define BATCH_STATES 256 /* of one transaction, as the next two */
#define BATCH_EVENTS 1024
#define BATCH_BYTES (256u << 10)

struct store {
	char path[PATH_MAX];
	struct registry *registry;
	struct backend *backend; /* NULL: memory only */
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* of what follows up to the blank line */
	pthread_cond_t wake;
	bool dirty, stopping;
	struct waiters waiters;
	struct store_health health;

	/* The thread's own. */
	bool is_open, loaded, checked;
	bool suspect;      /* something happened to it: the check is to be thorough */
	bool all_machines; /* a new database: every machine is to be written */
	uint64_t taken;    /* the generation that was written, */
	uint64_t durable;  /* and the one that is known to be on the disk */
	uint64_t cursor;   /* of the ring */
	int64_t backoff_ms;
	struct mono retry, tick, prune, trouble_began, reported;
	struct state_record states[BATCH_STATES];
	struct event events[BATCH_EVENTS];
	struct machine_view *machines; /* BATCH_EVENTS */
	char strings[BATCH_BYTES];
};

/*
 * Before the first machine asks: read, even what cannot be written; then open. Without
 * the states a machine that is done would be installed again, so this is worth a second.
 */
void store_begin(struct store *s);
/* Writes what there is to write, if it is time to try; `last`: whatever the time. */
void store_pass(struct store *s, bool last);

#endif
