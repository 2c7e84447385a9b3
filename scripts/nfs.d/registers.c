/*
 * A library that scripts/nfs loads into the user-mode Linux kernel (LD_PRELOAD) on processors with AMX.
 *
 * That kernel saves and restores the registers of its processes by ptrace, in a buffer of fixed size
 * (2,696 bytes in Linux 6.1) that ends before the AMX registers. Reading a part of the registers is
 * allowed, but writing is refused with EFAULT unless the buffer has all of them
 * (xstateregs_set in arch/x86/kernel/fpu/regset.c), and the kernel then panics at its first process.
 *
 * This ptrace appends the missing registers as zeros. They are unused: a program must ask for AMX by
 * arch_prctl, which user-mode Linux refuses.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Static, since the kernel calls ptrace on stacks of 16 KiB. Only its one kernel thread calls it. */
static unsigned char all[1 << 16];

long ptrace(enum __ptrace_request request, ...)
{
	static long (*next)(enum __ptrace_request, ...);
	va_list arguments;
	va_start(arguments, request);
	pid_t pid = va_arg(arguments, pid_t);
	void *address = va_arg(arguments, void *);
	void *data = va_arg(arguments, void *);
	va_end(arguments);

	if (!next)
		next = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
	if (request != PTRACE_SETREGSET || (long)address != NT_X86_XSTATE)
		return next(request, pid, address, data);

	const struct iovec *given = data;
	struct iovec complete = {all, sizeof all};
	if (next(PTRACE_GETREGSET, pid, address, &complete) < 0 || complete.iov_len <= given->iov_len)
		return next(request, pid, address, data);
	memcpy(all, given->iov_base, given->iov_len);
	memset(all + given->iov_len, 0, complete.iov_len - given->iov_len);
	return next(request, pid, address, &complete);
}
