package kerasreparam.emotion

import android.media.AudioFormat
import android.media.AudioRecord
import android.media.MediaRecorder
import android.os.Process
import kerasreparam.emotion.EmotionException.Reason
import kerasreparam.emotion.core.Recorder

/**
 * Sound of the microphone, in chunks of 100 ms. One thread opens it, reads, stops and releases.
 *
 * The source is `VOICE_RECOGNITION`: the phone then leaves loudness as it is.
 */
internal class MicRecorder : Recorder {
    @Volatile
    private var stopping = false
    private var thread: Thread? = null

    override fun start(sampleRate: Int, sink: Recorder.Sink) {
        thread = Thread({ run(sampleRate, sink) }, "emotion-recorder").apply { start() }
    }

    override fun stop() {
        stopping = true
    }

    override fun join() {
        // A driver that hangs must not hang the app.
        thread?.takeIf { it !== Thread.currentThread() }?.join(STOP_MILLIS)
    }

    private fun run(sampleRate: Int, sink: Recorder.Sink) {
        Process.setThreadPriority(Process.THREAD_PRIORITY_URGENT_AUDIO)
        try {
            record(sampleRate, sink)
        } catch (error: EmotionException) {
            // The microphone is released by now: the listener may start again at once.
            if (!stopping) sink.onError(error)
        }
    }

    private fun record(sampleRate: Int, sink: Recorder.Sink) {
        val chunk = sampleRate / CHUNKS_PER_SECOND
        val record = open(sampleRate, chunk)
        try {
            begin(record)
            val shorts = ShortArray(chunk)
            val samples = FloatArray(chunk)
            while (!stopping) {
                val count = record.read(shorts, 0, chunk)
                if (count <= 0) throw lost(count)
                for (i in 0 until count) samples[i] = shorts[i] / 32768f
                sink.onChunk(samples, count)
            }
        } finally {
            release(record)
        }
    }

    private fun open(sampleRate: Int, chunk: Int): AudioRecord {
        val minimum = AudioRecord.getMinBufferSize(sampleRate, CHANNELS, ENCODING)
        if (minimum <= 0) {
            throw EmotionException(
                Reason.MICROPHONE_BUSY, "The microphone cannot record at $sampleRate Hz ($minimum).",
            )
        }
        val bytes = maxOf(minimum, BUFFERED_CHUNKS * chunk * Short.SIZE_BYTES)
        val record = try {
            AudioRecord(SOURCE, sampleRate, CHANNELS, ENCODING, bytes)
        } catch (error: SecurityException) {
            throw EmotionException(Reason.PERMISSION, "The app may not record.", error)
        } catch (error: IllegalArgumentException) {
            throw busy(error)
        }
        if (record.state != AudioRecord.STATE_INITIALIZED) {
            record.release()
            throw busy(null)
        }
        return record
    }

    private fun begin(record: AudioRecord) {
        try {
            record.startRecording()
        } catch (error: IllegalStateException) {
            throw busy(error)
        } catch (error: SecurityException) {
            throw EmotionException(Reason.PERMISSION, "The app may not record.", error)
        }
        if (record.recordingState != AudioRecord.RECORDSTATE_RECORDING) throw busy(null)
    }

    private fun release(record: AudioRecord) {
        try {
            record.stop()
        } catch (_: IllegalStateException) {
            // It never recorded, or the microphone is gone.
        } finally {
            record.release()
        }
    }

    private fun busy(cause: Throwable?) = EmotionException(
        Reason.MICROPHONE_BUSY, "The microphone cannot be opened; another app may hold it.", cause,
    )

    private fun lost(code: Int) =
        EmotionException(Reason.MICROPHONE_LOST, "The microphone gives no sound any more ($code).")

    private companion object {
        const val SOURCE = MediaRecorder.AudioSource.VOICE_RECOGNITION
        const val CHANNELS = AudioFormat.CHANNEL_IN_MONO
        const val ENCODING = AudioFormat.ENCODING_PCM_16BIT
        const val CHUNKS_PER_SECOND = 10
        const val BUFFERED_CHUNKS = 4
        const val STOP_MILLIS = 2000L
    }
}
