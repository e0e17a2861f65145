/*
 * POSIX message queues, mq_overview(7). Their descriptors can be watched. They are asked for by the number of the system call: before
 * glibc 2.34 the functions stood in a library of their own, which a program need not have loaded.
 */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* "/" and a name of at most 255 characters. */
#define NAME_BYTES 257

/* The system knows the name without its "/", which is there by POSIX; false, with an error pending: it is not. */
static bool to_name(napi_env env, napi_value value, char* name, const char** known) {
  if (!to_text(env, value, name, NAME_BYTES)) return false;
  *known = name + 1;
  if (name[0] == '/') return true;
  failed(env, EINVAL, "mq_open");
  return false;
}

/* queueOpen(name, access, create, mode, messages, bytes): `access` 0 reads, 1 writes, 2 does both. */
static napi_value queue_open(napi_env env, napi_callback_info info) {
  napi_value values[6];
  char name[NAME_BYTES];
  const char* known = NULL;
  int access = 0, mode = 0, messages = 0, bytes = 0;
  bool create = false;
  if (!arguments(env, info, 6, values) || !to_name(env, values[0], name, &known) ||
      !to_int(env, values[1], &access) || !to_bool(env, values[2], &create) || !to_int(env, values[3], &mode) ||
      !to_int(env, values[4], &messages) || !to_int(env, values[5], &bytes))
    return NULL;
  if (access < 0 || access > 2 || mode < 0 || mode > 0777) {
    napi_throw_range_error(env, NULL, "access is 0, 1 or 2, and the mode lies between 0 and 0777");
    return NULL;
  }
  int flags = (access == 0 ? O_RDONLY : access == 1 ? O_WRONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC;
  struct mq_attr attributes = {.mq_maxmsg = messages, .mq_msgsize = bytes};
  long queue = create ? syscall(SYS_mq_open, known, flags | O_CREAT | O_EXCL, (mode_t)mode, &attributes)
                      : syscall(SYS_mq_open, known, flags, 0, NULL);
  return queue < 0 ? failed(env, errno, "mq_open") : from_descriptor(env, (int)queue);
}

/* queueRemove(name): 0, or the negative number of an error. */
static napi_value queue_remove(napi_env env, napi_callback_info info) {
  napi_value values[1];
  char name[NAME_BYTES];
  const char* known = NULL;
  if (!arguments(env, info, 1, values) || !to_name(env, values[0], name, &known)) return NULL;
  return refused(env, syscall(SYS_mq_unlink, known) == 0 ? 0 : errno);
}

/* queueAbout(fd): { messagesMax, bytesMax, messages }. */
static napi_value queue_about(napi_env env, napi_callback_info info) {
  napi_value values[1], about = NULL;
  int fd = -1;
  struct mq_attr attributes;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  if (syscall(SYS_mq_getsetattr, fd, NULL, &attributes) != 0) return failed(env, errno, "mq_getsetattr");
  bool made = napi_create_object(env, &about) == napi_ok &&
              set_number(env, about, "messagesMax", attributes.mq_maxmsg) &&
              set_number(env, about, "bytesMax", attributes.mq_msgsize) &&
              set_number(env, about, "messages", attributes.mq_curmsgs);
  return made ? about : NULL;
}

/* False: its name was removed, so nobody can open it any more. As in memory.c by its number. */
static bool is_named(int fd) {
  struct statx about;
  return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_NLINK, &about) != 0 || about.stx_nlink > 0;
}

/*
 * queueSend(fd, bytes, from, to, priority): 0, or the negative number of an error: EAGAIN when it is full, ENOENT when it was removed:
 * what was sent there nobody would receive. Priorities end at 32767.
 */
static napi_value queue_send(napi_env env, napi_callback_info info) {
  napi_value values[5];
  int fd = -1, priority = 0;
  struct span span;
  if (!arguments(env, info, 5, values) || !to_int(env, values[0], &fd) || !to_int(env, values[4], &priority) ||
      !to_span(env, values + 1, &span))
    return NULL;
  if (!is_named(fd)) return refused(env, ENOENT);
  int error;
  do error = syscall(SYS_mq_timedsend, fd, span.bytes, span.length, (unsigned)priority, NULL) == 0 ? 0 : errno;
  while (error == EINTR);
  return refused(env, error);
}

/* queueReceive(fd, into, from, to): how many bytes came, or the negative number of an error: EAGAIN when it is empty. The room must be that of its largest message. */
static napi_value queue_receive(napi_env env, napi_callback_info info) {
  napi_value values[4];
  int fd = -1;
  struct span span;
  if (!arguments(env, info, 4, values) || !to_int(env, values[0], &fd) || !to_span(env, values + 1, &span)) return NULL;
  long got;
  do got = syscall(SYS_mq_timedreceive, fd, span.bytes, span.length, NULL, NULL);
  while (got < 0 && errno == EINTR);
  return got < 0 ? refused(env, errno) : from_int(env, got);
}

bool queue_functions(napi_env env, napi_value exports) {
  return set_function(env, exports, "queueOpen", queue_open) &&
         set_function(env, exports, "queueRemove", queue_remove) &&
         set_function(env, exports, "queueAbout", queue_about) && set_function(env, exports, "queueSend", queue_send) &&
         set_function(env, exports, "queueReceive", queue_receive);
}
