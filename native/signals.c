/* Signals that carry a number: sigqueue(3), and how they are heard. Node's own functions know neither the number nor who has sent it. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define SIGNALS_MAX 65

/* What the handler writes for each signal: a pipe takes so few bytes at once or not at all. */
struct heard {
  int32_t signal;
  int32_t value;
  int32_t pid;
  int32_t uid;
};

/* Handlers are the process's, and run in any of its threads. Where the handler of each signal writes; 0: nowhere, or the descriptor and 1. */
static atomic_int writing[SIGNALS_MAX];
/* Handlers that run right now: what they write to is not closed meanwhile. */
static atomic_int running;

/* What follows is the environments', which take turns by this lock. */
static pthread_mutex_t turns = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before[SIGNALS_MAX];
/* The environment that hears a signal; NULL: none. */
static napi_env hearing[SIGNALS_MAX];

static void on_signal(int signal, siginfo_t* about, void* context) {
  (void)context;
  int error = errno;
  atomic_fetch_add(&running, 1);
  int fd = atomic_load(&writing[signal]) - 1;
  struct heard heard = {
      .signal = signal,
      .value = about->si_code == SI_QUEUE ? about->si_value.sival_int : 0,
      .pid = about->si_pid,
      .uid = (int32_t)about->si_uid,
  };
  /* A full pipe loses it, as the system loses a signal that is pending already. */
  if (fd >= 0 && write(fd, &heard, sizeof heard) < 0) (void)0;
  atomic_fetch_sub(&running, 1);
  errno = error;
}

/* Those by which the system and Node live: a fault that is only written down comes again for ever. */
static bool may_be_heard(int signal) {
  static const int kept[] = {SIGABRT, SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGPROF, SIGSEGV, SIGSYS, SIGTRAP};
  for (size_t index = 0; index < sizeof kept / sizeof *kept; index++)
    if (signal == kept[index]) return false;
  return signal > 0 && signal < SIGNALS_MAX;
}

/* signalSend(pid, signal, value): 0, or the negative number of an error. */
static napi_value signal_send(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int pid = 0, signal = 0, value = 0;
  if (!arguments(env, info, 3, values) || !to_int(env, values[0], &pid) || !to_int(env, values[1], &signal) ||
      !to_int(env, values[2], &value))
    return NULL;
  union sigval carried = {.sival_int = value};
  return refused(env, sigqueue(pid, signal, carried) == 0 ? 0 : errno);
}

/* 0, or the number of an error. */
static int hear(napi_env env, int signal, int fds[2]) {
  if (hearing[signal] != NULL) return EBUSY;
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) return errno;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  atomic_store(&writing[signal], fds[1] + 1);
  if (sigaction(signal, &action, &before[signal]) == 0) {
    hearing[signal] = env;
    return 0;
  }
  int error = errno;
  atomic_store(&writing[signal], 0);
  close(fds[0]);
  close(fds[1]);
  return error;
}

/*
 * signalHear(signal): a descriptor that gives 16 bytes for each signal: signal, value, pid and uid, 32 bits each in the order of the
 * machine. EBUSY: it is heard already, maybe by another thread. EINVAL: it is not to be heard.
 */
static napi_value signal_hear(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int signal = 0, fds[2];
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &signal)) return NULL;
  if (!may_be_heard(signal)) return failed(env, EINVAL, "sigaction");
  pthread_mutex_lock(&turns);
  int error = hear(env, signal, fds);
  pthread_mutex_unlock(&turns);
  return error == 0 ? from_descriptor(env, fds[0]) : failed(env, error, "sigaction");
}

/* As it was before, unless somebody (Node, by process.on) has put a handler there since. */
static void deafen(int signal) {
  struct sigaction now;
  bool ours = sigaction(signal, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_signal;
  if (ours) sigaction(signal, &before[signal], NULL);
  int fd = atomic_exchange(&writing[signal], 0) - 1;
  while (atomic_load(&running) > 0) sched_yield();
  close(fd);
  hearing[signal] = NULL;
}

/* By Node, when an environment ends, before what descriptors.c has of it: handlers are the process's and would stay. */
static void environment_end(void* env) {
  pthread_mutex_lock(&turns);
  for (int signal = 1; signal < SIGNALS_MAX; signal++)
    if (hearing[signal] == env) deafen(signal);
  pthread_mutex_unlock(&turns);
}

/* signalDeafen(signal): what was heard here is not any more. The descriptor that was given is the caller's to close. Idempotent. */
static napi_value signal_deafen(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int signal = 0;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &signal)) return NULL;
  pthread_mutex_lock(&turns);
  if (may_be_heard(signal) && hearing[signal] == env) deafen(signal);
  pthread_mutex_unlock(&turns);
  return undefined(env);
}

bool signal_functions(napi_env env, napi_value exports) {
  return napi_add_env_cleanup_hook(env, environment_end, env) == napi_ok &&
         set_function(env, exports, "signalSend", signal_send) &&
         set_function(env, exports, "signalHear", signal_hear) &&
         set_function(env, exports, "signalDeafen", signal_deafen) &&
         set_number(env, exports, "firstRealTime", SIGRTMIN) && set_number(env, exports, "lastRealTime", SIGRTMAX);
}
