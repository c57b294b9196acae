package kerasreparam.emotion.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.charset.StandardCharsets.UTF_8

/**
 * A table of a flatbuffer, read without generated code: a slot holds a value, or the offset of
 * what it holds. Bytes may come from anywhere: whatever points outside of the buffer is an
 * [IndexOutOfBoundsException].
 */
internal class FlatTable private constructor(private val data: ByteBuffer, private val at: Int) {

    /** An unsigned byte; 0 if absent. */
    fun byte(slot: Int): Int = field(slot)?.let { data.get(it).toInt() and 0xff } ?: 0

    /** A 32-bit integer; 0 if absent. */
    fun int(slot: Int): Int = field(slot)?.let { data.getInt(it) } ?: 0

    fun table(slot: Int): FlatTable? = field(slot)?.let { FlatTable(data, follow(data, it)) }

    fun text(slot: Int): String? = content(slot)?.let { UTF_8.newDecoder().decode(it).toString() }

    fun bytes(slot: Int): ByteBuffer? = content(slot)

    /** The tables of a vector, each made when it is reached; none if it is absent. */
    fun tables(slot: Int): Sequence<FlatTable> {
        val vector = follow(data, field(slot) ?: return emptySequence())
        // A length from a broken file can be anything; no length exceeds the file's.
        val length = data.getInt(vector)
        if (length < 0 || length > data.limit() / 4) throw IndexOutOfBoundsException()
        return (1..length).asSequence().map { FlatTable(data, follow(data, vector + 4 * it)) }
    }

    private fun content(slot: Int): ByteBuffer? {
        val vector = follow(data, field(slot) ?: return null)
        val length = data.getInt(vector)
        if (length < 0 || length > data.limit() - vector - 4) throw IndexOutOfBoundsException()
        val part = data.duplicate()
        part.limit(vector + 4 + length)
        part.position(vector + 4)
        return part.slice().order(ByteOrder.LITTLE_ENDIAN)
    }

    private fun field(slot: Int): Int? {
        val vtable = at - data.getInt(at)
        val size = data.getShort(vtable).toInt() and 0xffff
        val entry = 4 + 2 * slot
        if (entry + 2 > size) return null
        val offset = data.getShort(vtable + entry).toInt() and 0xffff
        return if (offset == 0) null else at + offset
    }

    companion object {
        /** The table at a flatbuffer's root. The buffer must be in little-endian order. */
        fun root(data: ByteBuffer) = FlatTable(data, follow(data, 0))

        fun hasIdentifier(data: ByteBuffer, identifier: String): Boolean =
            identifier.indices.all { data.get(4 + it) == identifier[it].code.toByte() }

        private fun follow(data: ByteBuffer, at: Int): Int {
            val target = at.toLong() + (data.getInt(at).toLong() and 0xffffffffL)
            if (target > data.limit() - 4) throw IndexOutOfBoundsException()
            return target.toInt()
        }
    }
}
