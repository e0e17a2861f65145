/*
 * The door to what Linux offers between processes and Node does not: anonymous shared memory with seals, event counters, descriptors
 * through sockets, message queues, datagrams, signals with a value. Only calls of the system are here; what they are for is TypeScript.
 */
#include "addon.h"

#ifdef TRUNKLINE_SOURCES
/* scripts/native/ tells by it of which sources this was made. */
__attribute__((used)) static const char sources[] = TRUNKLINE_SOURCES;
#endif

NAPI_MODULE_INIT() {
  bool complete = environment_begin(env) && memory_functions(env, exports) && descriptor_functions(env, exports) &&
                  watch_functions(env, exports) && socket_functions(env, exports) &&
                  queue_functions(env, exports) && signal_functions(env, exports) &&
                  set_number(env, exports, "version", 1);
  if (!complete) {
    napi_throw_error(env, NULL, "the addon could not be set up");
    return NULL;
  }
  return exports;
}
