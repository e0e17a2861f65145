/* Signals that carry a number: sigqueue(3), and how they are heard. Node's own functions know neither the number nor who has sent it. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* Where the handler writes; -1: nobody listens to this signal. One for the process, as its handlers are. */
static volatile sig_atomic_t writing[SIGNALS_MAX];
static struct sigaction before[SIGNALS_MAX];
static bool prepared = false;

static void prepare(void) {
  if (prepared) return;
  for (int signal = 0; signal < SIGNALS_MAX; signal++) writing[signal] = -1;
  prepared = true;
}

static void on_signal(int signal, siginfo_t* about, void* context) {
  (void)context;
  int error = errno;
  int fd = writing[signal];
  struct heard heard = {
      .signal = signal,
      .value = about->si_code == SI_QUEUE ? about->si_value.sival_int : 0,
      .pid = about->si_pid,
      .uid = (int32_t)about->si_uid,
  };
  /* A full pipe loses it, as the system loses a signal that is pending already. */
  if (fd >= 0 && write(fd, &heard, sizeof heard) < 0) (void)0;
  errno = error;
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

/* signalHear(signal): a descriptor that gives 16 bytes for each signal: signal, value, pid and uid, 32 bits each in the order of the machine. */
static napi_value signal_hear(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int signal = 0, fds[2];
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &signal)) return NULL;
  prepare();
  if (signal <= 0 || signal >= SIGNALS_MAX) return failed(env, EINVAL, "sigaction");
  if (writing[signal] >= 0) return failed(env, EBUSY, "sigaction");
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) return failed(env, errno, "pipe2");
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  writing[signal] = fds[1];
  if (sigaction(signal, &action, &before[signal]) != 0) {
    int error = errno;
    writing[signal] = -1;
    close(fds[0]);
    close(fds[1]);
    return failed(env, error, "sigaction");
  }
  return from_int(env, fds[0]);
}

/* signalDeafen(signal): as it was before. The descriptor that was given is the caller's to close. */
static napi_value signal_deafen(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int signal = 0;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &signal)) return NULL;
  prepare();
  if (signal <= 0 || signal >= SIGNALS_MAX || writing[signal] < 0) return undefined(env);
  sigaction(signal, &before[signal], NULL);
  int fd = writing[signal];
  writing[signal] = -1;
  close(fd);
  return undefined(env);
}

bool signal_functions(napi_env env, napi_value exports) {
  return set_function(env, exports, "signalSend", signal_send) &&
         set_function(env, exports, "signalHear", signal_hear) &&
         set_function(env, exports, "signalDeafen", signal_deafen) &&
         set_number(env, exports, "firstRealTime", SIGRTMIN) && set_number(env, exports, "lastRealTime", SIGRTMAX);
}
