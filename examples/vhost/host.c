/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * host.c - console, clock, and the processes that play devices.
 */
#include "host.h"
#include "wire.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char guest_libc[] = "host";

const struct guest_cpu guest_cpu = {
	.name = "process",
	.transport_name = "vhost-user",
	.iommu_name = "process",
	.transport = BOUNCE_TRANSPORT_MMIO,
	.ram_gpa = HOST_POOL_GPA,
	.ram_bytes = HOST_POOL_BYTES,
	.pool_gpa = HOST_POOL_GPA,
	/* The device offers no ACCESS_PLATFORM: its addresses are those of the
	 * memory table, which is the bypass here, and all there is. */
	.window = { {
		.bus = { HOST_POOL_BUS },
		.gpa = { HOST_POOL_GPA },
		.len = HOST_POOL_BYTES,
		.flags = BOUNCE_WINDOW_BYPASS,
	} },
};

void cpu_console(const char *text, size_t len)
{
	(void)fwrite(text, 1, len, stdout);
	(void)fflush(stdout);
}

_Noreturn void cpu_exit(bool ok)
{
	exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

uint64_t cpu_ticks(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t cpu_milliseconds(void)
{
	return cpu_ticks() / 1000000;
}

/* ---- processes ---- */

/* A socket with a name that the kernel finds: unix(7), "autobind". */
static int listen_somewhere(struct sockaddr_un *name, socklen_t *bytes)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*name = (struct sockaddr_un) { .sun_family = AF_UNIX };
	*bytes = sizeof(*name);
	if (listener < 0 ||
	    bind(listener, (const struct sockaddr *)name,
		 sizeof(sa_family_t)) != 0 ||
	    listen(listener, 1) != 0 ||
	    getsockname(listener, (struct sockaddr *)name, bytes) != 0)
		guest_fail("no socket to listen at");
	return listener;
}

/* H1: all our other descriptors close at exec. */
static _Noreturn void become(char *const command[], int listener)
{
	/* It ends with us, and is no debugger of ours, even as root. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE);
	if ((listener == WIRE_LISTENER ? fcntl(listener, F_SETFD, 0) :
					 dup2(listener, WIRE_LISTENER)) < 0)
		_exit(127);
	(void)execvp(command[0], command);
	perror(command[0]);
	_exit(127);
}

int host_start(char *const command[], int *process)
{
	struct sockaddr_un name;
	socklen_t bytes;
	int listener = listen_somewhere(&name, &bytes);
	int channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*process = fork();
	if (*process == 0)
		become(command, listener);
	if (*process < 0 || channel < 0)
		guest_fail("no process, or no socket for it");
	if (connect(channel, (const struct sockaddr *)&name, bytes) != 0) {
		close(channel);
		channel = -1;
	}
	/* The child has the only one now: when it dies, we hear of it. */
	close(listener);
	return channel;
}

void host_end(int process)
{
	(void)kill(process, SIGKILL);
	while (waitpid(process, NULL, 0) != process)
		;
}
