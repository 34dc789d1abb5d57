package dev.altair.core

import dev.altair.core.ffi.LogListener as FfiLogListener
import dev.altair.model.AltairException
import dev.altair.model.BackedUp
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.nio.charset.CharacterCodingException
import dev.altair.core.ffi.AltairException as FfiException
import dev.altair.core.ffi.LogLevel as FfiLevel
import dev.altair.core.ffi.LogLine as FfiLine
import dev.altair.core.ffi.OpenOptions as FfiOptions

internal actual object Native {
    actual val version: String
        get() {
            Library.require()
            return dev.altair.core.ffi.version()
        }

    actual suspend fun open(directory: String, options: OpenOptions): Engine {
        load()
        // UniFFI loses a result that comes just when its caller is cancelled, and with it goes the handle to a store that is open: so this one
        // call is never cancelled, and what comes too late is closed.
        val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
        val opening = scope.async { NativeEngine(translated { dev.altair.core.ffi.open(directory, options.toFfi()) }) }
        try {
            return opening.await()
        } catch (cancelled: CancellationException) {
            scope.launch { runCatching { opening.await() }.onSuccess { it.close() } }
            throw cancelled
        }
    }

    actual suspend fun restoreBackup(file: String, directory: String): BackedUp {
        load()
        return translated { dev.altair.core.ffi.restoreBackup(file, directory).toModel() }
    }

    actual suspend fun checkBackup(file: String): BackedUp {
        load()
        return translated { dev.altair.core.ffi.checkBackup(file).toModel() }
    }

    actual suspend fun log(level: LogLevel, listener: LogListener?) {
        load()
        translated { dev.altair.core.ffi.logTo(level.toFfi(), listener?.let(::Logging)) }
    }

    private suspend fun load() = withContext(Dispatchers.IO) { Library.require() }
}

/** Gives lines to a listener, which may block, away from the threads that coroutines compute on. */
private class Logging(private val listener: LogListener) : FfiLogListener {
    override suspend fun onLine(line: FfiLine) {
        // Errors too: UniFFI catches exceptions only, and waits for ever for what threw anything else.
        withContext(Dispatchers.IO) { runCatching { listener.log(LogLine(line.level.toModel(), line.target, line.message)) } }
    }
}

private fun OpenOptions.toFfi() = FfiOptions(lockWait.inWholeMilliseconds, cacheBytes, repair)

private fun LogLevel.toFfi() = when (this) {
    LogLevel.Error -> FfiLevel.ERROR
    LogLevel.Warn -> FfiLevel.WARN
    LogLevel.Info -> FfiLevel.INFO
    LogLevel.Debug -> FfiLevel.DEBUG
}

private fun FfiLevel.toModel() = when (this) {
    FfiLevel.ERROR -> LogLevel.Error
    FfiLevel.WARN -> LogLevel.Warn
    FfiLevel.INFO -> LogLevel.Info
    FfiLevel.DEBUG -> LogLevel.Debug
}

/** Runs a call of the library and translates what it throws. */
internal inline fun <T> translated(call: () -> T): T = try {
    call()
} catch (cancelled: CancellationException) {
    throw cancelled
} catch (failed: FfiException) {
    throw failed.toModel()
} catch (unpaired: CharacterCodingException) {
    throw AltairException.Invalid(
        "the text holds half of a surrogate pair, which is no character",
        "take it out, or replace it with U+FFFD",
        unpaired,
    )
} catch (gone: IllegalStateException) {
    // What UniFFI throws for an object that was let go of.
    throw AltairException.Closed("the store has been closed", "open it again", gone)
} catch (broken: dev.altair.core.ffi.InternalException) {
    throw AltairException.Internal(
        "the library failed: ${broken.message}",
        "try again; if it stays, check the store with doctor",
        broken,
    )
}

internal fun FfiException.toModel(): AltairException = when (this) {
    is FfiException.NotFound -> AltairException.NotFound(what, hint, this)
    is FfiException.Invalid -> AltairException.Invalid(what, hint, this)
    is FfiException.Conflict -> AltairException.Conflict(what, hint, this)
    is FfiException.Locked -> AltairException.Locked(what, hint, this)
    is FfiException.Corrupt -> AltairException.Corrupt(what, hint, this)
    is FfiException.Unsupported -> AltairException.Unsupported(what, hint, this)
    is FfiException.Unreachable -> AltairException.Unreachable(what, hint, this)
    is FfiException.Refused -> AltairException.Refused(what, hint, this)
    is FfiException.Closed -> AltairException.Closed(what, hint, this)
    is FfiException.Internal -> AltairException.Internal(what, hint, this)
}
