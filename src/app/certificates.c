/* See the header. What is watched are the folders that the files are in, because certificates are
 * replaced and not written to: by renaming, by moving a link (Let's Encrypt's clients), by moving a
 * link to the folder (Kubernetes). An event there is only a reason to look at the files; they are
 * read when one of them is another than before. */
#include "app/certificates.h"

#include "base/clock.h"
#include "base/mem.h"
#include "loop/shard.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Certificate and key are replaced one after the other: time for the second. */
#define SETTLE_MS 1000
#define DAY_MS (24 * 3600 * 1000)
#define WARN_DAYS 14
#define PATH_BYTES (CONFIG_TEXT_MAX + 32)

enum {
    FILE_CERTIFICATE,
    FILE_KEY,
    FILE_CLIENT_CA,
    FILE_COUNT_
};

/* Where the certificates are, and what they are for. */
struct sources {
    char path[FILE_COUNT_][PATH_BYTES]; /* "": none */
    bool is_self_signed, is_client_required;
};

/* What tells one state of the files from another. */
struct marks {
    struct {
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec changed;
    } file[FILE_COUNT_];
};

struct certificates {
    struct sources sources;
    struct marks marks; /* of what was read last, good or bad */
    struct tls_context *context;
    int64_t expires_s;
    struct watch watch; /* inotify; fd -1: not watching */
    struct timer settle, daily;
};

/* ---- files ---- */

static void find_sources(const struct config *config, struct sources *ret)
{
    *ret = (struct sources){.is_client_required = config->is_tls_client_required};
    ret->is_self_signed = !config->tls_cert[0];
    if (ret->is_self_signed) {
        (void)snprintf(ret->path[FILE_CERTIFICATE], PATH_BYTES, "%s/tls/certificate.pem",
                       config->data);
        (void)snprintf(ret->path[FILE_KEY], PATH_BYTES, "%s/tls/key.pem", config->data);
    } else {
        (void)snprintf(ret->path[FILE_CERTIFICATE], PATH_BYTES, "%s", config->tls_cert);
        (void)snprintf(ret->path[FILE_KEY], PATH_BYTES, "%s",
                       config->tls_key[0] ? config->tls_key : config->tls_cert);
    }
    (void)snprintf(ret->path[FILE_CLIENT_CA], PATH_BYTES, "%s", config->tls_client_ca);
}

static struct marks look(const struct sources *s)
{
    struct marks marks;
    memset(&marks, 0, sizeof(marks));
    for (size_t i = 0; i < FILE_COUNT_; i++) {
        struct stat st;
        if (!s->path[i][0] || stat(s->path[i], &st))
            continue;
        marks.file[i].device = st.st_dev;
        marks.file[i].inode = st.st_ino;
        marks.file[i].size = st.st_size;
        marks.file[i].changed = st.st_mtim;
    }
    return marks;
}

/* The folder that a file is in. */
static void folder_of(const char *path, char out[static PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        (void)snprintf(out, PATH_MAX, ".");
    else
        (void)snprintf(out, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static int make_self_signed(const struct sources *s, struct tls_problem *problem)
{
    char folder[PATH_MAX];
    if (access(s->path[FILE_CERTIFICATE], F_OK) == 0 && access(s->path[FILE_KEY], F_OK) == 0)
        return 0;
    folder_of(s->path[FILE_KEY], folder);
    (void)mkdir(folder, 0700); /* if it fails, so does what comes next, and says why */
    int err = tls_make_self_signed(s->path[FILE_CERTIFICATE], s->path[FILE_KEY]);
    if (err) {
        problem->err = err;
        (void)snprintf(problem->text, sizeof(problem->text), "%.1000s: %s: %s", folder,
                       err_text(err), strerror(errno));
    }
    return err;
}

static int load(const struct sources *s, struct tls_identity **ret, struct tls_problem *problem)
{
    const char *ca = s->path[FILE_CLIENT_CA];
    const struct tls_files files = {
        .certificate = s->path[FILE_CERTIFICATE],
        .key = s->path[FILE_KEY],
        .client_ca = ca[0] ? ca : NULL,
        .is_client_required = s->is_client_required,
    };
    int err = s->is_self_signed ? make_self_signed(s, problem) : 0;
    return err ? err : tls_identity_load(&files, ret, problem);
}

/* ---- the end of a certificate's time ---- */

static void check_expiry(const struct certificates *c)
{
    char date[32];
    struct tm tm;
    time_t end = (time_t)c->expires_s;
    (void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", gmtime_r(&end, &tm));
    int64_t left_s = c->expires_s - clock_wall_us() / 1000000;
    const char *file = c->sources.path[FILE_CERTIFICATE];
    if (left_s <= 0)
        log_error("tls certificate: %s: it ended at %s: clients refuse it", file, date);
    else if (left_s < WARN_DAYS * 86400)
        log_warning("tls certificate: %s: it ends at %s: renew it", file, date);
    else
        log_info("tls certificate: %s: good until %s", file, date);
}

static void on_day(struct timer *t)
{
    struct certificates *c =
        (struct certificates *)(void *)((char *)t - offsetof(struct certificates, daily));
    check_expiry(c);
    shard_timer_start(shard_self(), t, shard_now_ms(shard_self()) + DAY_MS, DAY_MS / 24);
}

/* ---- open and close ---- */

int certificates_open(const struct config *config, struct certificates **ret,
                      struct tls_problem *problem)
{
    struct certificates *c = mem_zalloc(MEM_BASE, sizeof(*c));
    struct tls_identity *identity = NULL;
    if (!c) {
        (void)snprintf(problem->text, sizeof(problem->text), "%s", err_text(ERR_NO_MEMORY));
        return problem->err = err_raise(ERR_NO_MEMORY);
    }
    c->watch.fd = -1;
    find_sources(config, &c->sources);
    int err = load(&c->sources, &identity, problem);
    c->marks = look(&c->sources);
    if (!err) {
        c->expires_s = tls_identity_expires_s(identity);
        err = tls_context_new(identity, &c->context);
        (void)snprintf(problem->text, sizeof(problem->text), "%s", err_text(err));
    }
    if (err) {
        tls_identity_free(&identity);
        mem_free(MEM_BASE, c);
        return err;
    }
    check_expiry(c);
    *ret = c;
    return 0;
}

struct tls_context *certificates_context(const struct certificates *c)
{
    return c->context;
}

const char *certificates_self_signed(const struct certificates *c)
{
    return c->sources.is_self_signed ? c->sources.path[FILE_CERTIFICATE] : NULL;
}

void certificates_free(struct certificates **c)
{
    struct certificates *it = *c;
    if (!it)
        return;
    *c = NULL;
    if (it->watch.fd >= 0)
        (void)close(it->watch.fd);
    tls_context_free(&it->context);
    mem_free(MEM_BASE, it);
}

/* ---- reading again ---- */

/* Links may be anywhere, so not only the folder that a name is in but also the one it leads to is
 * watched; the kernel keeps one watch for a folder that is told twice. */
static void watch_folders(const struct certificates *c)
{
    static const uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB;
    char folder[PATH_MAX], real[PATH_MAX];
    for (size_t i = 0; i < FILE_COUNT_; i++) {
        const char *path = c->sources.path[i];
        if (!path[0])
            continue;
        folder_of(path, folder);
        bool is_watched = inotify_add_watch(c->watch.fd, folder, events) >= 0;
        if (is_watched && realpath(path, real)) {
            folder_of(real, folder);
            is_watched = inotify_add_watch(c->watch.fd, folder, events) >= 0;
        }
        if (!is_watched)
            log_warning("tls certificates: %s: changes are not noticed, SIGHUP is needed: %s",
                        folder, strerror(errno));
    }
}

static int read_again(struct certificates *c, const struct sources *sources)
{
    struct tls_identity *identity = NULL;
    struct tls_problem problem;
    struct marks marks = look(sources);
    int err = load(sources, &identity, &problem);
    if (err) {
        log_error("tls certificates not read again, the old ones stay: %s", problem.text);
        c->marks = marks;
        return err;
    }
    c->sources = *sources;
    c->marks = marks;
    c->expires_s = tls_identity_expires_s(identity);
    tls_context_change(c->context, identity);
    log_notice("tls certificates read again: %s: new connections use them",
               sources->path[FILE_CERTIFICATE]);
    check_expiry(c);
    if (c->watch.fd >= 0)
        watch_folders(c);
    return 0;
}

int certificates_reload(struct certificates *c, const struct config *config)
{
    struct sources sources = c->sources;
    if (config)
        find_sources(config, &sources);
    return read_again(c, &sources);
}

/* ---- watching ---- */

static void on_settled(struct timer *t)
{
    struct certificates *c =
        (struct certificates *)(void *)((char *)t - offsetof(struct certificates, settle));
    struct marks marks = look(&c->sources);
    if (memcmp(&marks, &c->marks, sizeof(marks)) != 0)
        (void)read_again(c, &c->sources);
}

static void on_change(struct watch *w, uint32_t events)
{
    (void)events;
    struct certificates *c =
        (struct certificates *)(void *)((char *)w - offsetof(struct certificates, watch));
    char told[4096]; /* what changed does not matter */
    while (read(w->fd, told, sizeof(told)) > 0)
        continue;
    if (!timer_is_started(&c->settle))
        shard_timer_start(shard_self(), &c->settle, shard_now_ms(shard_self()) + SETTLE_MS, 0);
}

void certificates_watch(struct certificates *c)
{
    struct shard *here = shard_self();
    c->settle.on_due = on_settled;
    c->daily.on_due = on_day;
    shard_timer_start(here, &c->daily, shard_now_ms(here) + DAY_MS, DAY_MS / 24);
    c->watch = (struct watch){inotify_init1(IN_NONBLOCK | IN_CLOEXEC), on_change};
    if (c->watch.fd >= 0 && shard_watch(here, &c->watch, EPOLLIN) == 0) {
        watch_folders(c);
        return;
    }
    log_warning("tls certificates: changes are not noticed, SIGHUP is needed: %s", strerror(errno));
    if (c->watch.fd >= 0)
        (void)close(c->watch.fd);
    c->watch.fd = -1;
}

void certificates_unwatch(struct certificates *c)
{
    struct shard *here = shard_self();
    shard_timer_stop(here, &c->settle);
    shard_timer_stop(here, &c->daily);
    if (c->watch.fd >= 0)
        shard_unwatch(here, &c->watch);
}
