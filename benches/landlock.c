// What Landlock takes of an open(2), by what it restricts and by how many rules there are.
//
//     cc -O2 -o landlock benches/landlock.c && chrt -f 50 ./landlock
//
// A file three folders below the folder that a rule is about is opened, read and closed under rules like those of a jail. The
// least of many rounds is printed, and how much more it is than without rules.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Of linux/landlock.h, by their bits: all up to ABI 5 but to execute, what reads, what truncates.
#define ALL 0xfffeull
#define DEVICES (1ull << 15)
#define READS 0xcull
#define TRUNCATE (1ull << 14)

static const struct {
    const char *name;
    uint64_t handled;
    int readable, others, own;
} ways[] = {
    {"no rules", 0, 0, 0, 0},
    {"as in a jail, and ten for reading", ALL, 10, 1, 0},
    {"as in a jail", ALL, 0, 1, 0},
    {"one for /, one for the project", ALL, 0, 0, 0},
    {"one more for the file's own folder", ALL, 0, 0, 1},
    {"truncating is not restricted", ALL & ~TRUNCATE, 0, 1, 0},
    {"reads are not restricted", ALL & ~READS, 0, 1, 0},
    {"neither is restricted", ALL & ~TRUNCATE & ~READS, 0, 1, 0},
};
enum { WAYS = sizeof ways / sizeof *ways, ROUNDS = 40, TIMES = 20000 };

static void fail(const char *what) {
    perror(what);
    _exit(1);
}

static void allow(int rules, const char *path, uint64_t rights) {
    struct __attribute__((packed)) {
        uint64_t rights;
        int place;
    } rule = {rights, open(path, O_PATH | O_CLOEXEC)};
    if (rights == 0 || rule.place < 0) return;
    if (syscall(445, rules, 1, &rule, 0)) fail("landlock_add_rule");
    close(rule.place);
}

static void restrict_as(int way) {
    static const char *readable[] = {"/usr", "/etc", "/opt", "/var", "/boot", "/home", "/srv", "/media", "/mnt", "/root"};
    uint64_t handled = ways[way].handled, restricted[3] = {handled, 0, 3};
    if (handled == 0) return;
    int rules = syscall(444, restricted, sizeof restricted, 0);
    if (rules < 0) fail("landlock_create_ruleset");
    allow(rules, "/", READS & handled);
    allow(rules, ".", ALL & ~DEVICES & handled);
    if (ways[way].own) allow(rules, "one/two/three", ALL & ~DEVICES & handled);
    if (ways[way].others) {
        allow(rules, "/tmp", ALL & ~DEVICES & handled);
        allow(rules, "/proc", ALL & ~DEVICES & handled);
        allow(rules, "/dev", ALL & handled);
    }
    for (int at = 0; at < ways[way].readable; at++) allow(rules, readable[at], READS & handled);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(446, rules, 0)) fail("landlock_restrict_self");
}

static double round_of(int way) {
    int pipes[2];
    double taken = 0;
    if (pipe(pipes)) fail("pipe");
    if (fork() == 0) {
        struct timespec begin, end;
        char bytes[16];
        restrict_as(way);
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (int left = TIMES; left > 0; left--) {
            int file = open("one/two/three/file", O_RDONLY);
            if (file < 0 || read(file, bytes, sizeof bytes) < 0 || close(file)) fail("open");
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        taken = ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / TIMES;
        _exit(write(pipes[1], &taken, sizeof taken) != sizeof taken);
    }
    close(pipes[1]);
    if (read(pipes[0], &taken, sizeof taken) != sizeof taken) exit(1);
    close(pipes[0]);
    wait(NULL);
    return taken;
}

int main(void) {
    char folder[] = "/var/tmp/landlock-XXXXXX";
    double least[WAYS] = {0};
    if (!mkdtemp(folder) || chdir(folder) || mkdir("one", 0755) || mkdir("one/two", 0755) || mkdir("one/two/three", 0755)) fail(folder);
    close(open("one/two/three/file", O_CREAT | O_WRONLY, 0644));
    for (int round = 0; round < ROUNDS; round++)
        for (int way = 0; way < WAYS; way++) {
            double taken = round_of(way);
            if (round == 0 || taken < least[way]) least[way] = taken;
        }
    for (int way = 0; way < WAYS; way++)
        printf("%-36s %6.0f ns  %+5.0f  %.2f\n", ways[way].name, least[way], least[way] - least[0], least[way] / least[0]);
    if (unlink("one/two/three/file") || rmdir("one/two/three") || rmdir("one/two") || rmdir("one") || rmdir(folder)) fail(folder);
    return 0;
}
