/* The one file that moves bytes of replies into sockets. */
#ifndef PIXIE_HTTP_SEND_H
#define PIXIE_HTTP_SEND_H

#include <stdint.h>
#include <sys/types.h>

#include "http/conn.h"

/* The most that is copied at a time, where sendfile is not used. */
#define SEND_COPY_MAX (64 * 1024)

/*
 * Writes the beginning of `o` to a non-blocking socket, at most about `most`
 * bytes of it. `scratch` has SEND_COPY_MAX bytes. Returns how many were taken, 0
 * when the socket is full; `*more` says whether it may take more at once.
 * -ESTALE when the file is no longer the one that was opened, else -errno.
 */
ssize_t send_output(
	int fd, const struct output *o, uint8_t *scratch, size_t most, bool *more);

#endif
