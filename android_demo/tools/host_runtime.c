/* What differs between Android's C library and glibc; see host_runtime.py. For tests only. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fills a table with the addresses of the functions named in a list that an empty name ends. */
void host_resolve(const char *names, void **table) {
  void *c = dlopen("libc.so.6", RTLD_NOW);
  void *m = dlopen("libm.so.6", RTLD_NOW);
  void *self = dlopen("libhost_runtime.so", RTLD_NOW | RTLD_NOLOAD);
  for (; *names; names += strlen(names) + 1, table++) {
    void *handle = strncmp(names, "host_", 5) ? c : self;
    *table = dlsym(handle, names);
    if (!*table) *table = dlsym(m, names);
    if (!*table) {
      fprintf(stderr, "host runtime: there is no %s\n", names);
      abort();
    }
  }
}

/* A search without a handle finds, on Android, also what the calling library itself exports. So the
 * runtime finds XNNPACK's delegate. The stand-ins jump: the return address is the caller's. */
void *host_dlsym(void *handle, const char *name) {
  void *found = dlsym(handle, name);
  Dl_info caller;
  if (!found && handle == RTLD_DEFAULT && dladdr(__builtin_return_address(0), &caller)) {
    void *library = dlopen(caller.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    if (library) found = dlsym(library, name);
  }
  return found;
}

/* bionic's stdin, stdout and stderr are an array of structures of 152 bytes. */
static FILE *stream(void *file) {
  static char *first;
  if (!first) {
    void *libc = dlopen("libc.so", RTLD_NOW | RTLD_NOLOAD);
    first = libc ? dlsym(libc, "__sF") : NULL;
  }
  if (first && file == first) return stdin;
  if (first && file == first + 152) return stdout;
  if (first && file == first + 304) return stderr;
  return file;
}

int host_vfprintf(void *file, const char *format, va_list arguments) {
  return vfprintf(stream(file), format, arguments);
}

int host_fprintf(void *file, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int written = vfprintf(stream(file), format, arguments);
  va_end(arguments);
  return written;
}

size_t host_fwrite(const void *data, size_t size, size_t count, void *file) {
  return fwrite(data, size, count, stream(file));
}

size_t host_fread(void *data, size_t size, size_t count, void *file) {
  return fread(data, size, count, stream(file));
}

int host_fputc(int character, void *file) { return fputc(character, stream(file)); }

int host_fflush(void *file) { return fflush(file ? stream(file) : NULL); }

int host_fclose(void *file) { return fclose(stream(file)); }

int host_fileno(void *file) { return fileno(stream(file)); }

/* XNNPACK aligns less on Android than its kernels for AVX-512 need: this is no phone's CPU. */
static size_t aligned(size_t alignment) { return alignment < 64 ? 64 : alignment; }

void *host_memalign(size_t alignment, size_t size) { return memalign(aligned(alignment), size); }

int host_posix_memalign(void **block, size_t alignment, size_t size) {
  return posix_memalign(block, aligned(alignment), size);
}

/* The numbers of sysconf's names differ. */
long host_sysconf(int name) {
  switch (name) {
    case 0x27:
    case 0x28:
      return sysconf(_SC_PAGESIZE);
    case 0x60:
      return sysconf(_SC_NPROCESSORS_CONF);
    case 0x61:
      return sysconf(_SC_NPROCESSORS_ONLN);
    default:
      errno = EINVAL;
      return -1;
  }
}

/* Android's version, without which the runtime does not look for XNNPACK; no other property. */
int host___system_property_get(const char *name, char *value) {
  strcpy(value, strcmp(name, "ro.build.version.sdk") ? "" : "24");
  return (int)strlen(value);
}

void host_android_set_abort_message(const char *message) { fprintf(stderr, "%s\n", message); }

/* Warnings (5) and worse. */
int host___android_log_vprint(int priority, const char *tag, const char *format, va_list arguments) {
  if (priority < 5) return 0;
  fprintf(stderr, "%s: ", tag ? tag : "");
  int written = vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  return written;
}
