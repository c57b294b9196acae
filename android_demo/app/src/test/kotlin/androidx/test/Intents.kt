package androidx.test.runner.intent

import android.app.Instrumentation.ActivityResult
import android.content.Intent

interface IntentMonitor

object IntentMonitorRegistry {
    private var monitor: IntentMonitor? = null

    @JvmStatic
    fun registerInstance(instance: IntentMonitor?) {
        monitor = instance
    }
}

interface IntentStubber {
    fun getActivityResultForIntent(intent: Intent): ActivityResult?
}

object IntentStubberRegistry {
    @JvmStatic
    fun isLoaded(): Boolean = false

    @JvmStatic
    fun getInstance(): IntentStubber = throw IllegalStateException("isLoaded() says that there is none")
}
