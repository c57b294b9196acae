package kerasreparam.emotion.app

import android.os.Bundle
import kerasreparam.emotion.EmotionResult
import kerasreparam.emotion.EmotionResult.State

/** What was heard in the last [SECONDS] of sound; recordings follow one another without their pauses. */
internal class Timeline {
    /**
     * A stretch of one kind: the number of a class, [UNSURE], [SILENCE], [VALUES], which no lane
     * shows, or, without length, a [BREAK] between two recordings. Times are in seconds since the
     * first recording began.
     */
    class Band(val from: Double, val to: Double, val kind: Int)

    private val kept = ArrayList<Band>()
    private var offset = 0.0

    val bands: List<Band> get() = kept

    /** Where the newest band ends. */
    var end = 0.0
        private set

    fun clear() {
        kept.clear()
        end = 0.0
        offset = 0.0
    }

    /** What comes from now on counts its seconds from here. */
    fun beginRecording() {
        offset = end
        if (kept.isNotEmpty()) kept.add(Band(end, end, BREAK))
    }

    /** Adds what is new in a window: what the ones before it covered keeps its band. */
    fun add(result: EmotionResult) {
        val kind = when (result.state) {
            State.EMOTION -> result.top
            State.UNSURE -> UNSURE
            State.SILENCE -> SILENCE
            State.VALUES -> VALUES
        }
        add(offset + result.startSeconds, offset + result.endSeconds, kind)
    }

    fun add(start: Double, to: Double, kind: Int) {
        val from = maxOf(start, end)
        if (to <= from) return
        val last = kept.lastOrNull()
        if (last != null && last.kind == kind && from - last.to < TOUCHING) {
            kept[kept.size - 1] = Band(last.from, to, kind)
        } else {
            kept.add(Band(from, to, kind))
        }
        end = to
        while (kept[0].to <= end - SECONDS) kept.removeAt(0)
    }

    /** Seconds of a kind within the last [SECONDS]. */
    fun seconds(kind: Int): Double =
        kept.filter { it.kind == kind }.sumOf { it.to - maxOf(it.from, end - SECONDS) }

    fun save(): Bundle = Bundle().apply {
        putDoubleArray(FROM, DoubleArray(kept.size) { kept[it].from })
        putDoubleArray(TO, DoubleArray(kept.size) { kept[it].to })
        putIntArray(KIND, IntArray(kept.size) { kept[it].kind })
    }

    fun restore(saved: Bundle) {
        clear()
        val from = saved.getDoubleArray(FROM) ?: return
        val to = saved.getDoubleArray(TO) ?: return
        val kinds = saved.getIntArray(KIND) ?: return
        for (i in from.indices) kept.add(Band(from[i], to[i], kinds[i]))
        end = to.lastOrNull() ?: 0.0
        offset = end
    }

    companion object {
        const val SECONDS = 60.0
        const val UNSURE = -1
        const val SILENCE = -2
        const val BREAK = -3
        const val VALUES = -4
        private const val TOUCHING = 1e-6
        private const val FROM = "from"
        private const val TO = "to"
        private const val KIND = "kind"
    }
}
