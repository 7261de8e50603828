/*
 * --pace: blocks leave one by one, when base/pace.h lets their machine be sent to.
 * Several transfers of one machine take turns.
 */
#ifndef PIXIE_TFTP_PACING_H
#define PIXIE_TFTP_PACING_H

#include "base/wheel.h"
#include "sys/alarm.h"

struct tftp_server;
struct transfer;

struct pacing {
	struct wheel *wheel; /* transfers that wait for their machine's turn */
	struct alarm alarm;
};

/* 0 or -errno. */
int pacing_init(struct pacing *pacing, struct loop *loop, struct tftp_server *s);
/* Fine also before pacing_init(), when alarm.fd is -1. */
void pacing_deinit(struct pacing *pacing);

/*
 * True when `t` has a block to send and its machine may not be sent to yet: it goes on
 * by itself when that has come. Else what is due may be pulled, a block at most, and
 * is accounted for. Without --pace always false.
 */
bool pacing_holds(struct transfer *t, struct mono now);

#endif
