package kerasreparam.emotion

import java.io.File
import org.junit.Assume.assumeTrue

/**
 * Android's own x86_64 build of the runtime, made loadable on x86_64 Linux: see
 * tools/host_runtime.sh. Must be loaded by the class loader that loads the interpreter.
 */
object HostRuntime {
    private val libraries =
        listOf("libc.so", "libm.so", "libdl.so", "liblog.so", "libtensorflowlite_jni.so")

    // Copies: Java loads a file for one class loader only, and Robolectric has several.
    private val loaded by lazy {
        val built = File(System.getProperty("host.runtime.dir"))
        val folder = createTempDirectory()
        for (file in built.listFiles()!!) file.copyTo(File(folder, file.name).apply { deleteOnExit() })
        for (name in libraries) System.load(File(folder, name).path)
    }

    /** Loads it, or skips the test where it cannot be. */
    fun load() {
        assumeTrue(
            "Only x86_64 Linux can run the runtime's x86_64 build for Android",
            System.getProperty("os.name") == "Linux" && System.getProperty("os.arch") == "amd64",
        )
        loaded
    }

    private fun createTempDirectory(): File =
        java.nio.file.Files.createTempDirectory("host-runtime").toFile().apply { deleteOnExit() }
}
