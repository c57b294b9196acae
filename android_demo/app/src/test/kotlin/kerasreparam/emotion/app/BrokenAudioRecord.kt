package kerasreparam.emotion.app

import android.media.AudioRecord
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements

/** An `AudioRecord` that cannot be opened, as when another app holds the microphone. */
@Implements(AudioRecord::class)
class BrokenAudioRecord {
    @Implementation
    fun getState(): Int = AudioRecord.STATE_UNINITIALIZED

    companion object {
        @JvmStatic
        @Implementation
        @Suppress("FunctionName", "UNUSED_PARAMETER")
        fun native_get_min_buff_size(sampleRate: Int, channels: Int, format: Int): Int = 1280
    }
}
