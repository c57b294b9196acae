package kerasreparam.emotion.app

import kerasreparam.emotion.EmotionException.Reason

/**
 * Something that the screen has to explain.
 *
 * @property text the explanation, with a way out of it.
 * @property offersSettings whether the way out leads through the system's settings.
 */
internal enum class Notice(val text: Int, val offersSettings: Boolean = false) {
    PERMISSION_REFUSED(R.string.notice_permission_refused),
    PERMISSION_REFUSED_FOR_EVER(R.string.notice_permission_for_ever, offersSettings = true),
    MICROPHONE_BUSY(R.string.notice_microphone_busy),
    MICROPHONE_LOST(R.string.notice_microphone_lost),
    MICROPHONE_MUTED(R.string.notice_microphone_muted),
    LEFT(R.string.notice_left),
    FILE_NOT_OPENED(R.string.notice_file_not_opened),
    FILE_NOT_WAV(R.string.notice_file_not_wav),
    FILE_NO_SOUND(R.string.notice_file_no_sound),
    FILE_TRUNCATED(R.string.notice_file_truncated),
    NO_FILE_PICKER(R.string.notice_no_file_picker),
    MODEL(R.string.notice_model),
    ;

    companion object {
        fun of(reason: Reason): Notice = when (reason) {
            Reason.MODEL -> MODEL
            Reason.PERMISSION -> PERMISSION_REFUSED_FOR_EVER
            Reason.MICROPHONE_BUSY -> MICROPHONE_BUSY
            Reason.MICROPHONE_LOST -> MICROPHONE_LOST
            Reason.WAV -> FILE_NOT_WAV
            Reason.SAMPLES -> FILE_NO_SOUND
        }
    }
}
