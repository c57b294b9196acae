package kerasreparam.emotion.app

import android.content.Context
import android.net.Uri
import android.provider.OpenableColumns

/** The name of a file that the system's picker gave. */
internal object FileName {
    fun of(context: Context, file: Uri): String =
        asked(context, file) ?: file.lastPathSegment?.substringAfterLast('/') ?: file.toString()

    private fun asked(context: Context, file: Uri): String? {
        val columns = arrayOf(OpenableColumns.DISPLAY_NAME)
        return try {
            context.contentResolver.query(file, columns, null, null, null)?.use { answer ->
                if (answer.moveToFirst()) answer.getString(0) else null
            }
        } catch (_: RuntimeException) {
            // Whatever a provider of another app throws, a name is not worth a crash.
            null
        }
    }
}
