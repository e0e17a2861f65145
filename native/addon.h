/* What the files of the addon share: how arguments are taken, and how failures of the system become errors of JavaScript. */
#ifndef TRUNKLINE_ADDON_H
#define TRUNKLINE_ADDON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills `values` with the arguments; false, with a TypeError pending, when there are not `count`. */
bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value* values);

/* Each returns false, with a TypeError pending, when the value is another one. */
bool to_int(napi_env env, napi_value value, int* number);
bool to_size(napi_env env, napi_value value, size_t* number);
bool to_bool(napi_env env, napi_value value, bool* truth);
/* Copies at most `bytes` - 1 of UTF-8; longer text, and text with a zero in it, is refused. */
bool to_text(napi_env env, napi_value value, char* text, size_t bytes);
/* Bytes of JavaScript's. They stay where they are as long as nothing of JavaScript's runs: they are taken last of all arguments. */
struct span {
  uint8_t* bytes;
  size_t length;
};
/* Three values: a Buffer (or another view of memory), where in it they begin, and where they end. Throws a RangeError when they do not lie in it. */
bool to_span(napi_env env, napi_value* values, struct span* span);

napi_value from_int(napi_env env, int64_t number);
napi_value undefined(napi_env env);

/* Throws an Error as Node's own functions do: with `code` ("ENOENT"), `errno` (negative) and `syscall`. Returns NULL. */
napi_value failed(napi_env env, int error, const char* syscall);
/* The negative number of an error, for functions whose failure is a matter of course. */
napi_value refused(napi_env env, int error);

/* A descriptor that was made here. It is this environment's until descriptorClose, and is closed with it: a worker may end at any time. */
napi_value from_descriptor(napi_env env, int fd);
/* Closes it. 0, or the number of an error. */
int descriptor_end(napi_env env, int fd);

bool set_function(napi_env env, napi_value target, const char* name, napi_callback function);
bool set_number(napi_env env, napi_value target, const char* name, int64_t number);

/* What an environment (the main thread, or a worker) leaves behind when it ends is taken back. */
bool environment_begin(napi_env env);

/* Each adds the functions of one file. */
bool memory_functions(napi_env env, napi_value exports);
bool descriptor_functions(napi_env env, napi_value exports);
bool watch_functions(napi_env env, napi_value exports);
bool socket_functions(napi_env env, napi_value exports);
bool queue_functions(napi_env env, napi_value exports);
bool signal_functions(napi_env env, napi_value exports);

#endif
