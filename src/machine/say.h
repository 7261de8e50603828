/* An event in one English sentence, for the page, the API and the terminal alike. */
#ifndef PIXIE_MACHINE_SAY_H
#define PIXIE_MACHINE_SAY_H

#include "machine/event.h"

#define SAY_MAX 512

/* Without the machine and the time. Cut when too long; returns `buf`. */
const char *event_say(const struct event *e, char buf[static SAY_MAX]);

/* "512 bytes", "1.2 MB": of a thousand, as disks and networks are. Returns `buf`. */
#define BYTES_TEXT 24
const char *bytes_say(uint64_t bytes, char buf[static BYTES_TEXT]);

#endif
