/*
 * The Unix socket by which the commands on this host talk to the server. Who may open
 * it (mode 0660) may change things.
 */
#ifndef PIXIE_CMD_CONTROL_H
#define PIXIE_CMD_CONTROL_H

#include <stdbool.h>

#include "conf/conf.h"

#define CONTROL_PATH 108

/* Where the server's socket is to be; false: nowhere. Makes our own directory for it. */
bool control_place(const struct conf *c, char path[static CONTROL_PATH]);

/* Listens there. 0 and `*fd`, or -errno (EADDRINUSE: a living server has it). */
int control_listen(const char *path, int *fd);

/* A connection to the server, the first that answers; or -errno and where in `path`. */
int control_connect(const struct conf *c, char path[static CONTROL_PATH]);

#endif
