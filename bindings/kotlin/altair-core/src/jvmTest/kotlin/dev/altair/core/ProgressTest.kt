package dev.altair.core

import dev.altair.model.Imported
import dev.altair.model.Progress
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlin.coroutines.ContinuationInterceptor
import kotlin.io.path.createDirectory
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds

class ProgressTest {
    private suspend fun Altair.largeVault(files: Int = 600) =
        folder().resolve("vault").createDirectory().also { vault -> repeat(files) { vault.write("note $it.md" to "text [[note ${it + 1}]]") } }

    @Test
    fun `what progress throws reaches the caller and the store is fine`() = inEitherSeat { altair ->
        class Mine : Exception("mine")
        val vault = altair.largeVault()
        assertFailsWith<Mine> { altair.vault.import(vault.toString()) { throw Mine() } }
        assertFailsWith<Mine> { altair.vault.export(altair.folder().resolve("out").toString()) { throw Mine() } }
        val again = altair.vault.import(vault.toString())
        assertEquals(600, again.notes + again.unchanged)
        assertEquals(600, whole { altair.notes.list(1000, it) }.size)
        altair.assertSound()
    }

    @Test
    fun `progress that waits holds up its caller and not the work`() = inEitherSeat { altair ->
        val vault = altair.largeVault()
        val gate = CompletableDeferred<Unit>()
        val told = mutableListOf<Progress>()
        val importing = async {
            altair.vault.import(vault.toString()) {
                told += it
                gate.await()
            }
        }
        eventually("all is imported") { altair.status().counts.values.sum() == 600L }
        assertTrue(importing.isActive)
        gate.complete(Unit)
        assertEquals(600, withTimeout(20.seconds) { importing.await() }.notes)
        assertEquals(Progress(600, 600), told.last())
        assertTrue(told.size <= 2 + 600, "it missed some: $told")
    }

    @Test
    fun `progress is told in its caller's own context`() = withStore { altair ->
        val vault = altair.largeVault(10)
        val mine = Dispatchers.Default.limitedParallelism(1)
        var elsewhere = 0
        val imported: Imported = withContext(mine) {
            altair.vault.import(vault.toString()) {
                if (currentCoroutineContext()[ContinuationInterceptor] !== mine) elsewhere++
            }
        }
        assertEquals(10L to 0, imported.notes to elsewhere)
    }

    @Test
    fun `progress may use the store`() = withStore { altair ->
        val vault = altair.largeVault(50)
        altair.vault.import(vault.toString()) { altair.inbox.capture("done: ${it.done}") }
        assertTrue(altair.thoughts().isNotEmpty())
    }
}
