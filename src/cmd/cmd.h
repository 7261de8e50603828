/* The subcommands; src/main.c has their table. Each returns an exit status. */
#ifndef PIXIE_CMD_CMD_H
#define PIXIE_CMD_CMD_H

#include "conf/conf.h"

int cmd_serve(const struct conf *c);
int cmd_roms(const struct conf *c);
/* These three talk to the running server. */
int cmd_status(const struct conf *c);
int cmd_explain(const struct conf *c);
int cmd_set(const struct conf *c);

#endif
