package kerasreparam.emotion

import java.io.File
import java.lang.management.ManagementFactory
import java.util.concurrent.Semaphore
import kotlin.random.Random
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test

/** Thirty minutes of speech, silence and noise, as fast as the machine can. */
class EnduranceTest {
    private val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean

    @Before
    fun loadRuntime() = HostRuntime.load()

    @Test
    fun `memory stays flat, and no chunk is lost`() {
        val recorder = ManualRecorder()
        val finished = Semaphore(0)
        var results = 0
        var silences = 0
        val latencies = ArrayList<Double>()
        var worker: Thread? = null
        val listener = object : EmotionListener {
            override fun onResult(result: EmotionResult) {
                assertEquals(4.0 + results, result.endSeconds, 1e-9)
                assertEquals(0, result.skippedWindows)
                assertEquals(Shipped.labels.size, result.scores.size)
                if (result.state == EmotionResult.State.SILENCE) {
                    silences++
                } else {
                    latencies += result.latencyMillis
                }
                worker = Thread.currentThread()
                results++
                finished.release()
            }

            override fun onError(error: EmotionException) = throw error
        }
        var levels = 0
        val counting = object : EmotionListener by listener {
            override fun onLevel(decibels: Float) {
                levels++
            }
        }
        val classifier = TfliteClassifier(Shipped.model("float32"))
        // Half as many windows as by default: a test has to end.
        val options = EmotionOptions.Builder().hopSeconds(1f).build()
        val heaps = ArrayList<Long>()
        val resident = ArrayList<Long>()
        var workerBytes = 0L
        EmotionRecognizer(classifier, options) { recorder }.use {
            it.start(counting)
            val sound = minute()
            for (minute in 1..MINUTES) {
                var given = 0L
                recorder.speak(sound) {
                    given += 1600
                    val total = (minute - 1L) * sound.size + given
                    // A window is complete. A recorder in real time gives the model a second for every window.
                    if (total >= 64000 && total % 16000 == 0L) finished.acquire()
                }
                if (minute == WARM_UP) workerBytes = -threads.getThreadAllocatedBytes(worker!!.id)
                if (minute % 5 == 0) {
                    heaps += heap()
                    resident += residentKilobytes()
                }
            }
            workerBytes += threads.getThreadAllocatedBytes(worker!!.id)
            assertTrue(it.isListening)
        }
        // The first collection makes the JVM itself larger.
        heaps.removeAt(0)
        resident.removeAt(0)
        val perWindow = workerBytes / ((MINUTES - WARM_UP) * 60)
        latencies.sort()
        fun percentile(p: Int) = "%.1f".format(latencies[latencies.size * p / 100])
        println(
            "endurance: $results windows, $silences silent; float32 latency in ms p50 ${percentile(50)}, " +
                "p90 ${percentile(90)}, p99 ${percentile(99)}; heap KiB ${heaps.map { it / 1024 }}; " +
                "resident KiB $resident; allocated per window by the classifier's thread $perWindow bytes",
        )
        assertEquals(MINUTES * 600, levels)
        assertEquals(MINUTES * 60 - 4 + 1, results)
        assertTrue("$silences", silences > MINUTES)
        assertTrue("$heaps", heaps.last() - heaps.first() < 1 shl 20)
        assertTrue("$resident", resident.last() - resident.first() < 16 * 1024)
        // A window of samples would be 256,000 bytes.
        assertTrue("$perWindow", perWindow < 16_000)
    }

    /** Speech, then ten seconds of a quiet room. */
    private fun minute(): FloatArray {
        val random = Random(5)
        val sound = FloatArray(60 * 16000) { 1e-3f * (random.nextFloat() - 0.5f) }
        var at = 0
        for (clip in Shipped.clips + Shipped.clips + Shipped.clips + Shipped.clips) {
            val samples = clip.wav.samples
            if (at + samples.size > 50 * 16000) break
            samples.copyInto(sound, at)
            at += samples.size
        }
        return sound
    }

    private fun heap(): Long {
        repeat(3) { System.gc() }
        return ManagementFactory.getMemoryMXBean().heapMemoryUsage.used
    }

    private fun residentKilobytes(): Long =
        File("/proc/self/status").readLines().first { it.startsWith("VmRSS") }
            .filter { it.isDigit() }.toLong()

    private companion object {
        const val MINUTES = 30

        // Until then the JVM still compiles.
        const val WARM_UP = 10
    }
}
