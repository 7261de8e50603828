/* The boots of one machine, put together from the ring and, before it, the store. */
#ifndef PIXIE_HTTP_STORY_H
#define PIXIE_HTTP_STORY_H

#include "http/api_inside.h"

/* Adds "boots" (oldest first, each with its events) and "lost" to the machine's M. */
void story_add(struct api *api, const struct machine_view *m, json_t *machine);

#endif
