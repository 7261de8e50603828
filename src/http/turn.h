/* The turn of a connection: it reads, answers, writes, and what it waits for then. */
#ifndef PIXIE_HTTP_TURN_H
#define PIXIE_HTTP_TURN_H

#include <stdbool.h>

struct link;

/*
 * Goes on until the connection waits for its socket, or others have waited enough.
 * `readable`: there may be something to read. link_settle() is to follow.
 */
void link_turn(struct link *link, bool readable);
/* The end of every turn: the link is gone, or waits in its queue for its event. */
void link_settle(struct link *link);

#endif
