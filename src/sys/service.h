/*
 * systemd's two small protocols, sd_listen_fds(3) and sd_notify(3). Written out
 * because Debian ships no static libsystemd and pixie is one static executable.
 */
#ifndef PIXIE_SYS_SERVICE_H
#define PIXIE_SYS_SERVICE_H

/*
 * How many sockets systemd passed, numbered from 3; 0 without socket activation.
 * Takes the variables out of the environment and sets close-on-exec.
 */
int service_listen_fds(void);
#define SERVICE_FDS_START 3

/* Tells the service manager, e.g. "READY=1\nSTATUS=serving"; nothing without one. */
void service_notify(const char *state);

#endif
