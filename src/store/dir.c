/* The data folder: made private to its owner, and locked against a second process for as long as
 * the store is open. Start-up path only. Knows nothing of what the engines put into it. */
#include "store/store_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_dir(const char *dir, int *ret_fd)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_raise(ERR_STORE_DIR_CREATE);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_raise(ERR_STORE_DIR_OPEN);
    *ret_fd = fd;
    return 0;
}

int store_dir_open(const char *dir, int *ret_lock_fd)
{
    int dir_fd = -1;
    int err = open_dir(dir, &dir_fd);
    if (err < 0)
        return err;
    int fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    (void)close(dir_fd);
    if (fd < 0)
        return err_raise(ERR_STORE_LOCK_FILE);
    /* flock and not fcntl: the lock belongs to the open file, so that a second store_open in the
     * same process is refused too. The kernel drops it when the process dies, however it dies. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        err = errno == EWOULDBLOCK ? ERR_STORE_LOCKED : ERR_STORE_LOCK_FILE;
        (void)close(fd);
        return err_raise(err);
    }
    *ret_lock_fd = fd;
    return 0;
}

int store_dir_sync(const char *dir)
{
    int fd = -1;
    int err = open_dir(dir, &fd);
    if (err < 0)
        return err;
    if (fsync(fd) != 0)
        err = err_raise(ERR_STORE_IO);
    (void)close(fd);
    return err;
}
