/* Does what `true` does, and says first when it was reached: CLOCK_MONOTONIC in ns, one native int64, to descriptor 1.
 *
 * Descriptor 1 is a file that the parent has mapped, or a pipe. Its position is not moved where it is a file.
 */
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* the clock behind time.perf_counter_ns on Linux */
    int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    if (pwrite(1, &now, sizeof now, 0) != sizeof now && write(1, &now, sizeof now) != sizeof now)
        return 1;
    return 0;
}
