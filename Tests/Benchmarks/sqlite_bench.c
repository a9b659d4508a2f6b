/// SQLite as the anchor for the journal: what a host would write its events to if it made its own outbox.
///
/// Written as a careful user does: WAL, one table, a prepared statement, `--batch` rows in a transaction. What is bound
/// is the request's body, the event's type and a time. `--sync` gives the durability that Martlet has in that mode:
/// `os` is synchronous=OFF, `interval` NORMAL (a power failure may cost what came after the last checkpoint), `always`
/// FULL. There is no index beside the key, nothing is read or deleted, and no one else has the file open: an outbox in
/// use does more.
#include "measure.h"
#include "options.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    sqlite3 *database;
    sqlite3_stmt *insert, *begin, *commit;
} bench;

static void check(int code, int wanted, const char *what)
{
    if (code == wanted)
        return;
    fprintf(stderr, "%s: %s\n", what, bench.database ? sqlite3_errmsg(bench.database) : sqlite3_errstr(code));
    exit(1);
}

static sqlite3_stmt *prepare(const char *text)
{
    sqlite3_stmt *statement = NULL;
    check(sqlite3_prepare_v2(bench.database, text, -1, &statement, NULL), SQLITE_OK, text);
    return statement;
}

static void run(sqlite3_stmt *statement, const char *what)
{
    check(sqlite3_step(statement), SQLITE_DONE, what);
    sqlite3_reset(statement);
}

static void open_database(const struct options *options)
{
    static const struct {
        const char *sync, *pragma;
    } modes[] = {
        { "os", "PRAGMA synchronous=OFF" },
        { "interval", "PRAGMA synchronous=NORMAL" },
        { "always", "PRAGMA synchronous=FULL" },
    };
    char path[4096];
    snprintf(path, sizeof path, "%s/events.sqlite", options->directory);
    check(sqlite3_open(path, &bench.database), SQLITE_OK, path);
    sqlite3_stmt *mode = prepare("PRAGMA journal_mode=WAL");
    check(sqlite3_step(mode), SQLITE_ROW, "journal_mode");
    if (strcmp((const char *)sqlite3_column_text(mode, 0), "wal") != 0) {
        fprintf(stderr, "SQLite does not write %s in WAL mode\n", path);
        exit(1);
    }
    sqlite3_finalize(mode);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(options->sync, modes[i].sync) == 0)
            check(sqlite3_exec(bench.database, modes[i].pragma, NULL, NULL, NULL), SQLITE_OK, modes[i].pragma);
    }
    static const char table[]
        = "CREATE TABLE events(id INTEGER PRIMARY KEY, type TEXT NOT NULL, created INTEGER NOT NULL, body BLOB)";
    check(sqlite3_exec(bench.database, table, NULL, NULL, NULL), SQLITE_OK, "CREATE TABLE");
    bench.insert = prepare("INSERT INTO events(type, created, body) VALUES(?1, ?2, ?3)");
    bench.begin = prepare("BEGIN IMMEDIATE");
    bench.commit = prepare("COMMIT");
}

static void insert(long first, long end, const char *body, size_t size)
{
    static const char type[] = "bench.type000";
    for (long i = first; i < end; i++) {
        sqlite3_bind_text(bench.insert, 1, type, sizeof type - 1, SQLITE_STATIC);
        sqlite3_bind_int64(bench.insert, 2, i);
        sqlite3_bind_blob(bench.insert, 3, body, (int)size, SQLITE_STATIC);
        run(bench.insert, "INSERT");
    }
}

/// Writes `count` rows; without a batch each INSERT is a transaction of its own.
static void write_rows(long count, int batch, const char *body, size_t size)
{
    if (batch == 1) {
        insert(0, count, body, size);
        return;
    }
    for (long first = 0; first < count; first += batch) {
        run(bench.begin, "BEGIN");
        insert(first, first + batch < count ? first + batch : count, body, size);
        run(bench.commit, "COMMIT");
    }
}

int main(int count, char **arguments)
{
    struct options options = options_read(count, arguments);
    if (!options.directory) {
        fprintf(stderr, "--directory is needed\n");
        return 2;
    }
    size_t size;
    char *body = file_read(options.body, &size);
    open_database(&options);
    write_rows(options.warm_up, options.batch, body, size);
    struct moment from = moment_now();
    write_rows(options.count, options.batch, body, size);
    struct moment to = moment_now();
    print_pushes(options.count, from, to);
    sqlite3_finalize(bench.insert);
    sqlite3_finalize(bench.begin);
    sqlite3_finalize(bench.commit);
    sqlite3_close(bench.database);
    free(body);
    return 0;
}
