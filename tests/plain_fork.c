/* Forks from a plain C program that holds private memory: plain_fork BYTES CALLS prints the ns of each call.
 *
 * It is what the scenario `rss` is checked against: no Python, no harness, its own memory and its own clock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int count, char **words) {
    if (count != 3)
        return 2;
    size_t bytes = strtoull(words[1], NULL, 10);
    int calls = atoi(words[2]);
    if (bytes > 0) {
        char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return 1;
        madvise(memory, bytes, MADV_NOHUGEPAGE);
        memset(memory, 1, bytes);
    }
    for (int i = 0; i < calls; i++) {
        int status;
        long long begin = now();
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
            return 1;
        printf("%lld\n", now() - begin);
        fflush(stdout);
    }
    return 0;
}
