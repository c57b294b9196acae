package kerasreparam.emotion.core

/**
 * Overlapping windows of a stream of samples, in memory that is allocated once: windows of
 * [window] samples that begin [hop] samples apart, the first one with the first sample. For one
 * thread at a time.
 */
internal class WindowBuffer(private val window: Int, private val hop: Int) {
    init {
        require(hop in 1..window) { "Expected a hop from 1 to $window samples. Received: $hop" }
    }

    // The newest complete window ends less than a hop before the newest sample.
    private val ring = FloatArray(window + hop)
    private var written = 0L
    private var nextEnd = window.toLong()

    /** Where the last window that was taken ends, in samples from the stream's beginning. */
    var takenEnd = 0L
        private set

    /** Appends the first [count] samples of an array of any length. */
    fun write(samples: FloatArray, count: Int) {
        // Of a chunk that is longer than the ring only the end will ever be read.
        val kept = minOf(count, ring.size)
        written += count - kept
        val at = (written % ring.size).toInt()
        val first = minOf(kept, ring.size - at)
        val from = count - kept
        System.arraycopy(samples, from, ring, at, first)
        System.arraycopy(samples, from + first, ring, 0, kept - first)
        written += kept
    }

    /** Whether there is a window that was not taken. */
    val ready: Boolean get() = written >= nextEnd

    /**
     * Copies the newest complete window.
     *
     * @return how many windows before it were skipped, or -1 if there is none that was not taken.
     */
    fun take(into: FloatArray): Int {
        if (!ready) return -1
        val skipped = (written - nextEnd) / hop
        takenEnd = nextEnd + skipped * hop
        nextEnd = takenEnd + hop
        val at = ((takenEnd - window) % ring.size).toInt()
        val first = minOf(window, ring.size - at)
        System.arraycopy(ring, at, into, 0, first)
        System.arraycopy(ring, 0, into, first, window - first)
        return skipped.toInt()
    }
}
