package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

// Robolectric 4.16 calls androidx.test:monitor, which Maven Central does not have. The files in
// this folder stand in for the few types that it calls where no ActivityScenario is used.

object InstrumentationRegistry {
    private var instrumentation: Instrumentation? = null

    @JvmStatic
    fun registerInstance(instance: Instrumentation?, @Suppress("UNUSED_PARAMETER") arguments: Bundle?) {
        instrumentation = instance
    }

    @JvmStatic
    fun getInstrumentation(): Instrumentation = checkNotNull(instrumentation)
}
