package kerasreparam.emotion

import java.io.DataInputStream

/** A file that tools/golden_files.py made. */
class GoldenFile(name: String) {
    private val data =
        DataInputStream(GoldenFile::class.java.getResourceAsStream("/$name")!!.readBytes().inputStream())

    val hasMore: Boolean get() = data.available() > 0

    fun int(): Int = data.readInt()

    fun float(): Float = data.readFloat()

    fun text(): String = data.readUTF()

    fun bytes(): ByteArray = ByteArray(int()).also { data.readFully(it) }

    fun floats(): FloatArray = FloatArray(int()) { data.readFloat() }
}
