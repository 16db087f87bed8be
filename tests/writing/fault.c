/* Makes write(2) and fsync(2) fail for files below FAULT_FOLDER, for as long as the file FAULT_PLAN
 * is there. It holds the name of the call and the errno, as "write 122". A write fails only behind
 * the first bytes of a file, as on a disk that fills up. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fault(int file, const char *call)
{
    const char *folder = getenv("FAULT_FOLDER"), *plan = getenv("FAULT_PLAN");
    char link[64], path[4096], name[16] = "";
    int number = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (!folder || !plan || len < 0 || strncmp(path, folder, strlen(folder)))
        return 0;
    FILE *lines = fopen(plan, "re");
    if (!lines)
        return 0;
    int found = fscanf(lines, "%15s %d", name, &number);
    fclose(lines);
    return found == 2 && !strcmp(name, call) ? number : 0;
}

ssize_t write(int file, const void *bytes, size_t len)
{
    static ssize_t (*next)(int, const void *, size_t);
    if (!next)
        next = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    int number = lseek(file, 0, SEEK_CUR) > 0 ? fault(file, "write") : 0;
    if (number) {
        errno = number;
        return -1;
    }
    return next(file, bytes, len);
}

int fsync(int file)
{
    static int (*next)(int);
    if (!next)
        next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int number = fault(file, "fsync");
    if (number) {
        errno = number;
        return -1;
    }
    return next(file);
}
