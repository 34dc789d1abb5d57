package dev.altair.core

import com.sun.jna.CallbackThreadInitializer
import com.sun.jna.Native as Jna
import dev.altair.core.ffi.uniffiRustFutureContinuationCallbackImpl
import dev.altair.model.AltairException

/** The native library: loaded once, by the first who needs it. */
internal object Library {
    /** Names a file to load instead of the library in the jar. */
    private const val PATH = "dev.altair.core.library"

    /** Where UniFFI looks for such a name. */
    private const val OVERRIDE = "uniffi.component.altair_ffi.libraryOverride"

    private val failure: Throwable? by lazy {
        System.getProperty(PATH)?.let { System.setProperty(OVERRIDE, it) }
        try {
            dev.altair.core.ffi.uniffiEnsureInitialized()
            // The engine's threads tell when something has come. They become threads of the JVM once, and not anew for each call.
            Jna.setCallbackThreadInitializer(
                uniffiRustFutureContinuationCallbackImpl,
                CallbackThreadInitializer(true, false, "altair"),
            )
            null
        } catch (missing: LinkageError) {
            missing
        } catch (mismatched: RuntimeException) {
            mismatched
        }
    }

    /** Loads the library, or says why it can't be. It may block for as long as it takes to unpack it. */
    fun require() {
        val failure = failure ?: return
        val cause = failure.cause ?: failure
        val platform = "${System.getProperty("os.name")} on ${System.getProperty("os.arch")}"
        val path = System.getProperty(PATH)
        throw when {
            isMismatch(cause.message.orEmpty()) -> AltairException.Unsupported(
                "the native library ${path ?: "in the jar"} is none that this version of altair-core is for, on $platform",
                if (path == null) "use the jar as it was published" else "let -D$PATH name the library of this version",
                failure,
            )
            path != null -> AltairException.Unsupported(
                "the native library $path can't be loaded: ${cause.why()}",
                "let -D$PATH name the library for $platform, or leave it out to use the one in the jar",
                failure,
            )
            else -> AltairException.Unsupported(
                "there is no native library for $platform in this build of altair-core: ${cause.why()}",
                "use an artifact that was built for $platform, or build the library (cargo xtask bindings) " +
                    "and name it with -D$PATH=FILE",
                failure,
            )
        }
    }

    /** Whether UniFFI found other functions than it was made for, or JNA missed one. */
    private fun isMismatch(message: String) = "mismatch" in message || "looking up function" in message

    /** JNA's message has a line for each place that it looked at, and the whole class path: the first reason is enough. */
    private fun Throwable.why(): String = message.orEmpty().lines().let { it.getOrNull(1) ?: it.first() }.trim()
}
