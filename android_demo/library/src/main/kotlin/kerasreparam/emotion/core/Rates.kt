package kerasreparam.emotion.core

/** Sample rates that make sense for sound. */
internal object Rates {
    val RANGE = 1000..768000
}
