package kerasreparam.emotion

import kerasreparam.emotion.core.Recorder

/** Hands on chunks when a test says so, on the test's own thread. */
internal class ManualRecorder : Recorder {
    lateinit var sink: Recorder.Sink
    var sampleRate = 0
    var stops = 0

    override fun start(sampleRate: Int, sink: Recorder.Sink) {
        this.sampleRate = sampleRate
        this.sink = sink
    }

    override fun stop() {
        stops++
    }

    override fun join() {}

    /** Gives samples as chunks of 100 ms, as a microphone of 16 bits would. */
    fun speak(samples: FloatArray, chunk: Int = sampleRate / 10, after: () -> Unit = {}) {
        for (start in samples.indices step chunk) {
            val count = minOf(chunk, samples.size - start)
            sink.onChunk(samples.copyOfRange(start, start + count), count)
            after()
        }
    }
}

/** Keeps what a recognizer says, for tests to wait for. */
internal class Heard : EmotionListener {
    val results = java.util.Collections.synchronizedList(ArrayList<EmotionResult>())
    val errors = java.util.Collections.synchronizedList(ArrayList<EmotionException>())
    val levels = java.util.Collections.synchronizedList(ArrayList<Float>())

    override fun onResult(result: EmotionResult) {
        results.add(result)
    }

    override fun onError(error: EmotionException) {
        errors.add(error)
    }

    override fun onLevel(decibels: Float) {
        levels.add(decibels)
    }

    fun await(count: Int) = await { results.size >= count }

    fun await(condition: () -> Boolean) {
        val deadline = System.nanoTime() + 20_000_000_000
        while (!condition()) {
            check(System.nanoTime() < deadline) { "nothing more came: ${results.size} results, $errors" }
            Thread.sleep(1)
        }
    }
}
