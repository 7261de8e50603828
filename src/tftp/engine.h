/* What the files of the TFTP server share, and no one else sees. */
#ifndef PIXIE_TFTP_ENGINE_H
#define PIXIE_TFTP_ENGINE_H

#include "base/quota.h"
#include "tftp/outbox.h"
#include "tftp/pacing.h"
#include "tftp/ports.h"
#include "tftp/server.h"
#include "tftp/table.h"
#include "tftp/transfer.h"

struct tftp_server {
	struct tftp_config config;
	struct listener *listeners;
	struct udp_batch *requests, *answers; /* the latter also amid the former */
	struct outbox outbox;
	struct table table;
	struct wheel wheel;     /* when which transfer is due */
	struct loop_timer tick; /* when the wheel is to be looked at */
	struct pacing pacing;
	unsigned live, lingering;
	struct mono complained;
	struct quota lines; /* of the log, for what is refused or fails */
};

/* request.c: a request came to `l`. */
void tftp_on_request(
	struct listener *l, const struct udp_dgram *dgram, const struct tftp_pkt *pkt);

/* server.c: Takes at most a batch from `port`; true when there may be more. */
bool tftp_receive(struct port *port, struct udp_batch *batch);
/* The level of a line that a stranger can cause, within what the log may take. */
enum log_level tftp_line_level(struct tftp_server *s, enum log_level level);
/* Sees to it that the wheel is looked at when `at` has come. */
void tftp_tick_by(struct tftp_server *s, struct mono at);
void tftp_send_error(struct port *port, const struct udp_path *path, enum tftp_code code,
	const char *text);

#endif
