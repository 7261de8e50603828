/* Where the machines' states and history are kept: --state, or what is best without. */
#ifndef PIXIE_CMD_STATE_FILE_H
#define PIXIE_CMD_STATE_FILE_H

#include <limits.h>

#include "boot/resolve.h"

/* Beside the scripts; resolve.h keeps names that begin so from being served. */
#define STATE_FILE_NAME ".pixie.db"
#define STATE_FOLDER "/var/lib/pixie"

/*
 * Writes the file, or "none", to `path`. EX_OK, or an exit status after one line on
 * standard error: a file that pixie would hand out to whoever asks for it. `*fell_back`:
 * nobody said none, but there is no place that can be written.
 */
int state_file_choose(const char *option, const struct site *site,
	char path[static PATH_MAX], bool *fell_back);

/*
 * Has it for this process alone, until the process ends, by a lock on "FILE-lock": two
 * that keep all in memory would each write its own over the other's. False when another
 * pixie has it; true also where no lock can be made (a disk that is read only).
 */
bool state_file_lock(const char *path);

#endif
