/* What an interface is called and which IPv4 address it has, asked of the kernel. */
#ifndef PIXIE_SYS_IFACE_H
#define PIXIE_SYS_IFACE_H

#include <net/if.h>
#include <stdbool.h>

#include "base/netaddr.h"

/* `fd` is any socket, kept by the caller: this is asked for every packet. */
bool iface_name(int fd, unsigned ifindex, char name[static IF_NAMESIZE]);
/* Its first address, port 0; false when it has none. */
bool iface_addr4(int fd, const char *name, struct netaddr *out);

#endif
