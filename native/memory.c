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

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define NAME_BYTES 64
/* A huge page of x64, and of arm64 with its usual pages. Where they are larger, all stays as it is without them. */
#define HUGE_BYTES ((size_t)2 * 1024 * 1024)

/* 0, or the number of the error that it would be. The system says so by ending the process (SIGXFSZ), or when all memory has been given away. */
static int too_much(size_t bytes) {
  struct rlimit limit;
  struct sysinfo about;
  if (sysinfo(&about) == 0 && bytes / about.mem_unit > about.totalram) return ENOMEM;
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && bytes > limit.rlim_cur ? EFBIG : 0;
}

/*
 * Room for `bytes`, empty, where what comes after the first `ahead` of them lies in huge pages as it does in a file from `offset` on: only
 * then are they mapped as what they are. MAP_FAILED as mmap(2) gives it.
 */
static char* place(size_t ahead, size_t bytes, size_t offset) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t taken = (bytes + page - 1) & ~(page - 1);
  size_t slack = bytes - ahead < HUGE_BYTES ? 0 : HUGE_BYTES;
  char* start = mmap(NULL, taken + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED || slack == 0) return start;
  size_t before = (offset - (uintptr_t)start - ahead) & (HUGE_BYTES - 1);
  if (before > 0) munmap(start, before);
  munmap(start + before + taken, slack - before);
  return start + before;
}

/*
 * Memory in huge pages, as far as whole ones go: 256 MiB of small ones take 26 ms to unmap, and of huge ones 0.1. 0, or the number of the
 * error: what does not come about by it is left to fallocate(2).
 *
 * Where the system gives them to who asks (MADV_HUGEPAGE), each is there with its first byte. Everywhere else, and whatever
 * `shmem_enabled` says but `deny`, MADV_COLLAPSE (Linux 6.1) puts together what has a page at least; any user may.
 */
static int gather(int fd, size_t bytes) {
  size_t whole = bytes & ~(HUGE_BYTES - 1);
  int error = 0;
  if (whole == 0) return 0;
  char* address = place(0, whole, 0);
  if (address == MAP_FAILED) return errno;
  if (mmap(address, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) error = errno;
  if (error == 0) madvise(address, whole, MADV_HUGEPAGE);
  for (size_t at = 0; error == 0 && at < whole; at += HUGE_BYTES)
    if (madvise(address + at, 1, MADV_POPULATE_WRITE) != 0) error = errno;
  if (error == 0 && madvise(address, whole, MADV_COLLAPSE) != 0) error = errno;
  munmap(address, whole);
  return error;
}

/* 0, or the number of an error. Meanwhile no signal interrupts it: it would begin anew, for ever where somebody profiles by signals. */
static int fill(int fd, size_t bytes) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = ftruncate(fd, (off_t)bytes) == 0 ? 0 : errno;
  if (error == 0) (void)gather(fd, bytes);
  if (error == 0 && fallocate(fd, 0, 0, (off_t)bytes) != 0) error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

/* An empty one; the negative number of an error. */
static int create(const char* name) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); /* before Linux 6.3 */
  return fd < 0 ? -errno : fd;
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
  int fd = create(name);
  if (fd < 0) return failed(env, -fd, "memfd_create");
  if (bytes > 0) error = fill(fd, bytes);
  if (error != 0) {
    close(fd);
    return failed(env, error, "fallocate");
  }
  return from_descriptor(env, fd);
}

/* memoryHuge(): 0 where memory of some size has huge pages, or the negative number of the error that they are refused with. */
static napi_value memory_huge(napi_env env, napi_callback_info info) {
  (void)info;
  int fd = create("trunkline");
  if (fd < 0) return from_int(env, fd);
  int error = ftruncate(fd, (off_t)HUGE_BYTES) == 0 ? gather(fd, HUGE_BYTES) : errno;
  close(fd);
  return refused(env, error);
}

/*
 * memoryPress(bytes): V8 collects garbage as if so much more were referred to, in its own steps, and where its heap is small at once. It
 * knows of some memory that it is large and of other that it is none of its business, and that changes with its versions; what is mapped
 * has to come back in any case.
 */
static napi_value memory_press(napi_env env, napi_callback_info info) {
  napi_value values[1];
  size_t bytes = 0;
  int64_t all = 0;
  if (!arguments(env, info, 1, values) || !to_size(env, values[0], &bytes)) return NULL;
  napi_adjust_external_memory(env, (int64_t)bytes, &all);
  napi_adjust_external_memory(env, -(int64_t)bytes, &all);
  return undefined(env);
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
  char* address = place(0, bytes, offset);
  if (address == MAP_FAILED) return failed(env, errno, "mmap");
  int access = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  if (mmap(address, bytes, access, MAP_SHARED | MAP_POPULATE | MAP_FIXED, fd, (off_t)offset) == MAP_FAILED) {
    error = errno;
    munmap(address, bytes);
    return failed(env, error, "mmap");
  }
  return mapped(env, address, bytes);
}

/*
 * memoryRoom(bytes, ahead): an ArrayBuffer whose bytes are nowhere yet: who looks at one of them is ended by SIGSEGV, until memoryMove puts
 * some there. To make it before it is needed: V8 may begin to collect garbage for each that is made, as large as it is.
 */
static napi_value memory_room(napi_env env, napi_callback_info info) {
  napi_value values[2];
  size_t bytes = 0, ahead = 0;
  if (!arguments(env, info, 2, values) || !to_size(env, values[0], &bytes) || !to_size(env, values[1], &ahead)) return NULL;
  char* address = place(ahead < bytes ? ahead : 0, bytes, 0);
  return address == MAP_FAILED ? failed(env, errno, "mmap") : mapped(env, address, bytes);
}

/* 0, or the number of an error: what memoryCopy gives, at a place that is empty. */
static int copy_to(char* address, size_t ahead, int fd, size_t offset, size_t bytes) {
  int access = PROT_READ | PROT_WRITE, how = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED;
  if (ahead > 0 && mprotect(address, ahead, access) != 0) return errno;
  return mmap(address + ahead, bytes, access, how, fd, (off_t)offset) == MAP_FAILED ? errno : 0;
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
  char* address = place(ahead, ahead + bytes, offset);
  if (address == MAP_FAILED) return failed(env, errno, "mmap");
  error = copy_to(address, ahead, fd, offset, bytes);
  if (error != 0) {
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

/* memoryMove(fd, offset, room, ahead): what memoryCopy gives stands in what memoryRoom gave, as far as that goes. */
static napi_value memory_move(napi_env env, napi_callback_info info) {
  napi_value values[4];
  int fd = -1;
  void* data = NULL;
  size_t offset = 0, bytes = 0, ahead = 0;
  if (!arguments(env, info, 4, values) || !to_int(env, values[0], &fd) || !to_size(env, values[1], &offset) ||
      !is_ours(env, values[2]) || !to_size(env, values[3], &ahead))
    return NULL;
  if (napi_get_arraybuffer_info(env, values[2], &data, &bytes) != napi_ok) return NULL;
  if (ahead >= bytes) return failed(env, EINVAL, "mmap"); /* one that was let go of has none */
  int error = ends_before(fd, offset, bytes - ahead);
  if (error == 0) error = copy_to(data, ahead, fd, offset, bytes - ahead);
  if (error != 0) return failed(env, error, "mmap");
  madvise(data, bytes, MADV_DONTDUMP);
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
         set_function(env, exports, "memoryHuge", memory_huge) &&
         set_function(env, exports, "memoryPress", memory_press) &&
         set_function(env, exports, "memorySeal", memory_seal) &&
         set_function(env, exports, "memorySeals", memory_seals) &&
         set_function(env, exports, "memoryBytes", memory_bytes) &&
         set_function(env, exports, "memoryMap", memory_map) &&
         set_function(env, exports, "memoryCopy", memory_copy) &&
         set_function(env, exports, "memoryRoom", memory_room) && set_function(env, exports, "memoryMove", memory_move) &&
         set_function(env, exports, "memoryTakeBack", memory_take_back) &&
         set_function(env, exports, "memoryLetGo", memory_let_go) &&
         set_number(env, exports, "sealSeal", F_SEAL_SEAL) && set_number(env, exports, "sealShrink", F_SEAL_SHRINK) &&
         set_number(env, exports, "sealGrow", F_SEAL_GROW) && set_number(env, exports, "sealWrite", F_SEAL_WRITE) &&
         set_number(env, exports, "sealFutureWrite", F_SEAL_FUTURE_WRITE);
}
