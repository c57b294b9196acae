package kerasreparam.emotion.core

import java.nio.ByteBuffer
import java.nio.charset.StandardCharsets.UTF_8
import java.util.zip.DataFormatException
import java.util.zip.Inflater

/** Files of a zip archive that follows other data in a buffer of little-endian order. */
internal object AppendedZip {
    private const val END = 0x06054b50
    private const val ENTRY = 0x02014b50
    private const val LOCAL = 0x04034b50
    private const val STORED = 0
    private const val DEFLATED = 8
    private const val END_BYTES = 22
    private const val MAX_COMMENT = 0xffff

    /**
     * Content of a file, or `null` if it is not there, is broken, or has more than [limit] bytes.
     * Throws [IndexOutOfBoundsException] if the archive points outside of the buffer.
     */
    fun read(data: ByteBuffer, name: String, limit: Int): ByteArray? {
        val end = findEnd(data) ?: return null
        val size = data.getInt(end + 12)
        val offset = data.getInt(end + 16)
        // Offsets count from the file's beginning, or from the archive's.
        val base = if (isEntry(data, offset)) 0 else end - size - offset
        var at = base + offset
        repeat(short(data, end + 10)) {
            if (!isEntry(data, at)) return null
            val nameLength = short(data, at + 28)
            if (text(data, at + 46, nameLength) == name) return content(data, at, base, limit)
            at += 46 + nameLength + short(data, at + 30) + short(data, at + 32)
        }
        return null
    }

    private fun findEnd(data: ByteBuffer): Int? {
        val last = data.limit() - END_BYTES
        val first = maxOf(0, last - MAX_COMMENT)
        return (last downTo first).firstOrNull { data.getInt(it) == END }
    }

    private fun isEntry(data: ByteBuffer, at: Int) =
        at >= 0 && at <= data.limit() - 46 && data.getInt(at) == ENTRY

    private fun content(data: ByteBuffer, entry: Int, base: Int, limit: Int): ByteArray? {
        val packed = data.getInt(entry + 20)
        val size = data.getInt(entry + 24)
        val local = base + data.getInt(entry + 42)
        if (size !in 0..limit || packed !in 0..limit || data.getInt(local) != LOCAL) return null
        val start = local + 30 + short(data, local + 26) + short(data, local + 28)
        val bytes = bytes(data, start, packed)
        return when (short(data, entry + 10)) {
            STORED -> if (packed == size) bytes else null
            DEFLATED -> inflate(bytes, size)
            else -> null
        }
    }

    private fun inflate(packed: ByteArray, size: Int): ByteArray? {
        val inflater = Inflater(true)
        try {
            inflater.setInput(packed)
            val content = ByteArray(size)
            return if (inflater.inflate(content) == size) content else null
        } catch (_: DataFormatException) {
            return null
        } finally {
            inflater.end()
        }
    }

    private fun short(data: ByteBuffer, at: Int) = data.getShort(at).toInt() and 0xffff

    private fun text(data: ByteBuffer, at: Int, length: Int) = String(bytes(data, at, length), UTF_8)

    private fun bytes(data: ByteBuffer, at: Int, length: Int): ByteArray {
        if (at < 0 || at > data.limit() - length) throw IndexOutOfBoundsException()
        val bytes = ByteArray(length)
        val part = data.duplicate()
        part.position(at)
        part.get(bytes)
        return bytes
    }
}
