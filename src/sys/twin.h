/* Several sockets at one address, one for each thread (SO_REUSEPORT). */
#ifndef PIXIE_SYS_TWIN_H
#define PIXIE_SYS_TWIN_H

/*
 * Opens another socket of `fd`'s kind at the address `fd` is bound to; non-blocking,
 * close-on-exec, and for TCP not listening yet. The kernel gives each client to one of
 * them, by a hash of both addresses and ports: what a client port sends reaches the
 * same socket as long as none is added or closed. A datagram sent to a broadcast or
 * multicast address reaches all of them.
 *
 * `fd` itself is opened as if it were to stay alone, so that it is refused an address
 * that somebody has, another pixie with such sockets included; it is made to share
 * only here. Returns the descriptor or -errno.
 */
int socket_twin(int fd);

#endif
