package kerasreparam.emotion.app

import android.app.Application
import android.content.res.AssetManager
import java.io.File
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** The app with another model in its assets than the shipped ones: a file of the library's tests. */
internal abstract class OtherModelApp(private val model: String) : Application() {
    private val others by lazy {
        val file = File.createTempFile(model, ".apk").apply { deleteOnExit() }
        ZipOutputStream(file.outputStream()).use { zip ->
            zip.putNextEntry(ZipEntry("assets/models/$model.tflite"))
            OtherModelApp::class.java.getResourceAsStream("/$model.tflite")!!.use { it.copyTo(zip) }
        }
        // Hidden from apps, as they have no use for it.
        AssetManager::class.java.getDeclaredConstructor().newInstance().also {
            AssetManager::class.java.getMethod("addAssetPath", String::class.java).invoke(it, file.path)
        }
    }

    override fun getAssets(): AssetManager = others
}

/** One value, with a unit. */
internal class AgeApp : OtherModelApp("age")

/** Several values without one. */
internal class AffectApp : OtherModelApp("affect")
