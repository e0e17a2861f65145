/* Memory that processes share: memfd_create(2), its seals, and how it is mapped. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define NAME_BYTES 64

/* 0, or the number of the error that it would be. The system says so by ending the process (SIGXFSZ), or when all memory has been given away. */
static int too_much(size_t bytes) {
  struct rlimit limit;
  struct sysinfo about;
  if (sysinfo(&about) == 0 && bytes / about.mem_unit > about.totalram) return ENOMEM;
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && bytes > limit.rlim_cur ? EFBIG : 0;
}

/* 0, or the number of an error. Meanwhile no signal interrupts it: it would begin anew, for ever where somebody profiles by signals. */
static int fill(int fd, size_t bytes) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = ftruncate(fd, (off_t)bytes) == 0 && fallocate(fd, 0, 0, (off_t)bytes) == 0 ? 0 : errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

/* memoryCreate(name, bytes): an anonymous file of that size, all of it there: too little memory is an error now and no SIGBUS later. */
static napi_value memory_create(napi_env env, napi_callback_info info) {
  napi_value values[2];
  char name[NAME_BYTES];
  size_t bytes = 0;
  if (!arguments(env, info, 2, values) || !to_text(env, values[0], name, sizeof name) ||
      !to_size(env, values[1], &bytes))
    return NULL;
  int error = too_much(bytes);
  if (error != 0) return failed(env, error, "memfd_create");
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); /* before Linux 6.3 */
  if (fd < 0) return failed(env, errno, "memfd_create");
  if (bytes > 0) error = fill(fd, bytes);
  if (error != 0) {
    close(fd);
    return failed(env, error, "fallocate");
  }
  return from_descriptor(env, fd);
}

/* memorySeal(fd, seals) */
static napi_value memory_seal(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd = -1, seals = 0;
  if (!arguments(env, info, 2, values) || !to_int(env, values[0], &fd) || !to_int(env, values[1], &seals)) return NULL;
  if (fcntl(fd, F_ADD_SEALS, seals) != 0) return failed(env, errno, "fcntl");
  return undefined(env);
}

/* memorySeals(fd): its seals, or the negative number of an error: whatever is no memfd has none. */
static napi_value memory_seals(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  int seals = fcntl(fd, F_GET_SEALS);
  return seals < 0 ? refused(env, errno) : from_int(env, seals);
}

/*
 * 0, or the number of an error; what is no regular file has no size. By its number, for the name of fstat(2) has changed with glibc 2.33.
 * Huge pages are none: such a file can be as long as it likes where there are no pages for it, and whoever looks at one is ended by SIGBUS.
 * They are mapped whole, too, over whatever lies behind.
 */
static int size_of(int fd, uint64_t* bytes) {
  struct statx about;
  struct statfs system;
  if (fstatfs(fd, &system) != 0) return errno;
  if (system.f_type == HUGETLBFS_MAGIC) return EINVAL;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE, &about) != 0) return errno;
  *bytes = about.stx_size;
  return S_ISREG(about.stx_mode) ? 0 : EINVAL;
}

/* memoryBytes(fd): the size of a regular file, or the negative number of an error. */
static napi_value memory_bytes(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  uint64_t bytes = 0;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  int error = size_of(fd, &bytes);
  return error == 0 ? from_int(env, (int64_t)bytes) : refused(env, error);
}

/* 0, or the number of the error: what lies beyond the end of a file is not mapped, for whoever looks at it is ended by SIGBUS. */
static int ends_before(int fd, size_t offset, size_t bytes) {
  uint64_t size = 0;
  int error = size_of(fd, &size);
  if (error != 0) return error;
  return offset > size || bytes > size - offset ? ENXIO : 0;
}

/* On each ArrayBuffer that was made here: only of these the memory may be taken away. */
static const napi_type_tag ours = {0x5472756e6b6c696eULL, 0x65206d656d6f7279ULL};

struct mapping {
  void* address;
  size_t bytes;
};

static void unmap(napi_env env, void* data, void* hint) {
  (void)env;
  (void)data;
  struct mapping* mapping = hint;
  munmap(mapping->address, mapping->bytes);
  free(mapping);
}

/* An ArrayBuffer over `bytes` at `address`, which are unmapped with it. */
static napi_value mapped(napi_env env, void* address, size_t bytes) {
  struct mapping* mapping = malloc(sizeof *mapping);
  napi_value buffer = NULL;
  if (mapping == NULL) {
    munmap(address, bytes);
    return failed(env, ENOMEM, "malloc");
  }
  mapping->address = address;
  mapping->bytes = bytes;
  madvise(address, bytes, MADV_DONTDUMP); /* what is said is no part of a core file */
  if (napi_create_external_arraybuffer(env, address, bytes, unmap, mapping, &buffer) != napi_ok) {
    unmap(env, NULL, mapping);
    return failed(env, ENOTSUP, "napi_create_external_arraybuffer");
  }
  return napi_type_tag_object(env, buffer, &ours) == napi_ok ? buffer : failed(env, ENOTSUP, "napi_type_tag_object");
}

/*
 * memoryMap(fd, offset, bytes, writable): an ArrayBuffer; its memory is unmapped when nobody refers to it any more, or when it is let
 * go of. ENXIO: the file is not as long. Who maps a file that is not sealed answers for it that nobody makes it shorter.
 */
static napi_value memory_map(napi_env env, napi_callback_info info) {
  napi_value values[4];
  int fd = -1;
  size_t offset = 0, bytes = 0;
  bool writable = false;
  if (!arguments(env, info, 4, values) || !to_int(env, values[0], &fd) || !to_size(env, values[1], &offset) ||
      !to_size(env, values[2], &bytes) || !to_bool(env, values[3], &writable))
    return NULL;
  int error = ends_before(fd, offset, bytes);
  if (error != 0) return failed(env, error, "mmap");
  void* address =
      mmap(NULL, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_POPULATE, fd, (off_t)offset);
  return address == MAP_FAILED ? failed(env, errno, "mmap") : mapped(env, address, bytes);
}

/*
 * memoryCopy(fd, offset, bytes, ahead): an ArrayBuffer of `ahead` + `bytes`: memory of one's own, and behind it what the file holds from
 * `offset` on. It may be written, and the file never changes by that: a page is copied when it is first written, and read when it is first
 * looked at. `offset` and `ahead` are whole pages. The file must be one that nobody can write or shorten any more.
 */
static napi_value memory_copy(napi_env env, napi_callback_info info) {
  napi_value values[4];
  int fd = -1;
  size_t offset = 0, bytes = 0, ahead = 0;
  if (!arguments(env, info, 4, values) || !to_int(env, values[0], &fd) || !to_size(env, values[1], &offset) ||
      !to_size(env, values[2], &bytes) || !to_size(env, values[3], &ahead))
    return NULL;
  int error = ends_before(fd, offset, bytes);
  if (error != 0) return failed(env, error, "mmap");
  int own = MAP_PRIVATE | MAP_NORESERVE;
  char* address = mmap(NULL, ahead + bytes, PROT_READ | PROT_WRITE, own | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return failed(env, errno, "mmap");
  if (mmap(address + ahead, bytes, PROT_READ | PROT_WRITE, own | MAP_FIXED, fd, (off_t)offset) == MAP_FAILED) {
    error = errno;
    munmap(address, ahead + bytes);
    return failed(env, error, "mmap");
  }
  return mapped(env, address, ahead + bytes);
}

/* False, with a TypeError pending: it is no memory that was mapped here. */
static bool is_ours(napi_env env, napi_value value) {
  bool is = false;
  if (napi_check_object_type_tag(env, value, &ours, &is) == napi_ok && is) return true;
  napi_throw_type_error(env, NULL, "an argument is not memory that was mapped");
  return false;
}

/*
 * memoryTakeBack(buffer): like memoryLetGo, and nothing of the file is mapped by it from this moment on. Only for what memoryMap gave,
 * whole: its place in memory is kept empty until `unmap` frees it.
 */
static napi_value memory_take_back(napi_env env, napi_callback_info info) {
  napi_value values[1];
  void* data = NULL;
  size_t bytes = 0;
  if (!arguments(env, info, 1, values) || !is_ours(env, values[0])) return NULL;
  /* One that was let go of has none any more. */
  if (napi_get_arraybuffer_info(env, values[0], &data, &bytes) != napi_ok || bytes == 0) return undefined(env);
  if (mmap(data, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
    return failed(env, errno, "mmap");
  if (napi_detach_arraybuffer(env, values[0]) != napi_ok) napi_throw_type_error(env, NULL, "it cannot be let go of");
  return undefined(env);
}

/* memoryLetGo(buffer): from here on it has no bytes, whoever has views of it; the memory is unmapped soon. */
static napi_value memory_let_go(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (!arguments(env, info, 1, values) || !is_ours(env, values[0])) return NULL;
  if (napi_detach_arraybuffer(env, values[0]) != napi_ok) napi_throw_type_error(env, NULL, "it cannot be let go of");
  return undefined(env);
}

bool memory_functions(napi_env env, napi_value exports) {
  return set_function(env, exports, "memoryCreate", memory_create) &&
         set_function(env, exports, "memorySeal", memory_seal) &&
         set_function(env, exports, "memorySeals", memory_seals) &&
         set_function(env, exports, "memoryBytes", memory_bytes) &&
         set_function(env, exports, "memoryMap", memory_map) &&
         set_function(env, exports, "memoryCopy", memory_copy) &&
         set_function(env, exports, "memoryTakeBack", memory_take_back) &&
         set_function(env, exports, "memoryLetGo", memory_let_go) &&
         set_number(env, exports, "sealSeal", F_SEAL_SEAL) && set_number(env, exports, "sealShrink", F_SEAL_SHRINK) &&
         set_number(env, exports, "sealGrow", F_SEAL_GROW) && set_number(env, exports, "sealWrite", F_SEAL_WRITE) &&
         set_number(env, exports, "sealFutureWrite", F_SEAL_FUTURE_WRITE);
}
