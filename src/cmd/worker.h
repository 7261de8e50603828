/*
 * A worker: one loop, in one thread, with sockets of its own at the addresses all
 * workers share, and a TFTP and an HTTP server on it. A client's transfer or
 * connection lives and dies in one worker. The first runs in the main thread, which
 * also has the signals and proxyDHCP; all are made and freed there, while no other
 * thread runs.
 */
#ifndef PIXIE_CMD_WORKER_H
#define PIXIE_CMD_WORKER_H

#include <pthread.h>
#include <semaphore.h>

#include "boot/activity.h"
#include "cmd/listen.h"
#include "http/server.h"
#include "tftp/server.h"

struct worker {
	unsigned number, of;
	struct loop *loop;
	struct listeners tftp_fds, http_fds; /* until the servers take them */
	struct tftp_server *tftp;
	struct http_server *http;
	/* For the HTTP server; set before worker_serve(). */
	struct api *api;
	int control_fd; /* 0: none */
	pthread_t thread;
	sem_t is_up;     /* posted by that thread */
	bool is_running; /* in that thread */
	bool broken;     /* its loop ended by itself */
	struct loop *boss;
};

/*
 * How many workers to start: what --workers says or the cores allow; one where the
 * sockets are systemd's, and no more than --tftp-ports has free ports for. Says so in
 * the log where that is less than was asked for.
 */
unsigned workers_plan(const struct setup *s, bool adopted);

/* A loop; EX_OK, or an exit status after one line that says why not. */
int worker_init(struct worker *w, unsigned number, unsigned of);
/*
 * The servers, on w->tftp_fds and w->http_fds. `activity` (may be NULL) is called in
 * the worker's thread. Status as above.
 */
int worker_serve(struct worker *w, const struct setup *s, bool single_port,
	const struct activity *activity);
/* What a thread has open and keeps is opened; to be called in the worker's thread. */
void worker_prepare(void);
/*
 * Runs it in a thread of its own, prepared. Should its loop break, it stops `boss`.
 * Status as above.
 */
int worker_spawn(struct worker *w, struct loop *boss);
/* Ends that thread; nothing when there is none. False when its loop had broken. */
bool worker_join(struct worker *w);
/* Its clients are told, its sockets closed; the loop can still be told things. */
void worker_end(struct worker *w);
/* The same, and the loop's end. A zeroed worker is fine. */
void worker_deinit(struct worker *w);

#endif
