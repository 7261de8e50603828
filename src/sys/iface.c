#include "sys/iface.h"

#include <string.h>
#include <sys/ioctl.h>

bool
iface_name(int fd, unsigned ifindex, char name[static IF_NAMESIZE])
{
	struct ifreq req = {.ifr_ifindex = (int)ifindex};

	if (ioctl(fd, SIOCGIFNAME, &req) < 0)
		return false;
	memcpy(name, req.ifr_name, IF_NAMESIZE);
	name[IF_NAMESIZE - 1] = '\0';
	return true;
}

bool
iface_addr4(int fd, const char *name, struct netaddr *out)
{
	struct ifreq req = {0};

	strncpy(req.ifr_name, name, IF_NAMESIZE - 1);
	if (ioctl(fd, SIOCGIFADDR, &req) < 0 || req.ifr_addr.sa_family != AF_INET)
		return false;
	memset(out, 0, sizeof(*out));
	memcpy(&out->v4, &req.ifr_addr, sizeof(out->v4));
	netaddr_set_port(out, 0);
	return true;
}
