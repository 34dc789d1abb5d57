package dev.altair.sample

import app.cash.turbine.ReceiveTurbine
import app.cash.turbine.test
import dev.altair.core.Altair
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import java.io.File
import java.nio.file.Files
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** A store of its own and a workspace on it, for the time of a test. Everything runs in one thread, as in a window. */
@OptIn(ExperimentalCoroutinesApi::class)
internal fun withWorkspace(test: suspend TestedStore.() -> Unit) = runBlocking {
    val directory = Files.createTempDirectory("altair-sample").toFile()
    val thread = Dispatchers.Default.limitedParallelism(1)
    val scope = CoroutineScope(thread + SupervisorJob())
    val altair = Altair.open(directory.path)
    try {
        withContext(thread) { TestedStore(altair, Workspace(altair, scope), directory).test() }
    } finally {
        scope.cancel()
        altair.close()
        directory.deleteRecursively()
    }
}

/** What a test works with: the workspace, and [altair], through which somebody else writes to the same store. */
internal class TestedStore(val altair: Altair, val workspace: Workspace, val directory: File)

/** Collects a flow until it gives what [wanted] accepts. */
internal suspend fun <T> Flow<T>.await(within: Duration = DEADLINE, wanted: (T) -> Boolean): T {
    var found: Result<T>? = null
    test(timeout = within) {
        found = Result.success(awaitUntil(wanted))
        cancelAndIgnoreRemainingEvents()
    }
    return found!!.getOrThrow()
}

private suspend fun <T> ReceiveTurbine<T>.awaitUntil(wanted: (T) -> Boolean): T {
    while (true) {
        val item = awaitItem()
        if (wanted(item)) return item
    }
}

internal val DEADLINE = 20.seconds
