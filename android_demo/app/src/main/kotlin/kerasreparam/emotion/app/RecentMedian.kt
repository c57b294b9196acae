package kerasreparam.emotion.app

/** The median of the last values: one slow window does not move it. */
internal class RecentMedian(size: Int = 15) {
    private val values = DoubleArray(size)
    private var count = 0

    fun add(value: Double) {
        values[count % values.size] = value
        count++
    }

    /** The median, or `null` before the first value. */
    val value: Double?
        get() {
            val known = values.copyOf(minOf(count, values.size))
            known.sort()
            return if (known.isEmpty()) null else known[known.size / 2]
        }
}
