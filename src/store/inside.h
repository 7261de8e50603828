/*
 * What the store's files share. store.c is the writer's thread and the outside; writer.c
 * is what that thread does: it waits for the disk and for nothing else, and nothing in
 * it is called by others. patience.c is a second thread, for those to whom the disk
 * takes too long.
 */
#ifndef PIXIE_STORE_INSIDE_H
#define PIXIE_STORE_INSIDE_H

#include <limits.h>
#include <pthread.h>

#include "store/backend.h"
#include "store/waiters.h"

#define BATCH_STATES 1024 /* of one transaction, as the next two */
#define BATCH_EVENTS 1024
#define BATCH_BYTES (256u << 10)

struct store {
	char path[PATH_MAX];
	struct registry *registry;
	struct backend *backend; /* NULL: memory only */
	pthread_t thread, patience;
	bool running;

	pthread_mutex_t lock;  /* of what follows up to the blank line */
	pthread_cond_t wake;   /* the writer's: there is something to write */
	pthread_cond_t waited; /* patience's: somebody waits */
	bool dirty, stopping, nobody_waits;
	struct waiters waiters;
	struct store_health health;

	/* The writer's own. */
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

/* With the lock: until `c` is signalled, or until then. */
void store_sleep(struct store *s, pthread_cond_t *c, struct mono until);

bool patience_begin(struct store *s); /* false: no thread */
/* Nobody is told any more. */
void patience_end(struct store *s);
/* With the lock: fn(arg, ok) is called in either thread, see store_when_durable(). False:
 * no memory. */
bool patience_add(
	struct store *s, uint64_t generation, void (*fn)(void *arg, bool ok), void *arg);

#endif
