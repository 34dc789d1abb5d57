package dev.altair.core

import dev.altair.model.AltairException
import dev.altair.model.EntityId
import dev.altair.model.Quantity
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.coroutines.yield
import java.nio.file.Path
import java.util.concurrent.ConcurrentHashMap
import kotlin.io.path.createDirectory
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue
import kotlin.time.Duration
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import kotlin.time.measureTime

/** Cancelling stops waiting: the act itself is wholly done, or was never begun. */
class CancellationTest {
    private val random = Random(4)

    /** Cancels a job after some steps of the scheduler, or somewhat later, so that it is met at every point of its way. */
    private suspend fun Job.cancelSomewhere(latest: Duration = 3_000.microseconds) {
        when (random.nextInt(3)) {
            0 -> repeat(random.nextInt(20)) { yield() }
            1 -> {
                val until = TimeSource.Monotonic.markNow() + latest * random.nextDouble()
                while (until.hasNotPassedNow() && isActive) yield()
            }
            else -> {}
        }
        cancelAndJoin()
    }

    /** Runs a test twice in a folder of its own: with a store that is hosted by who is given to it, and with one that was joined. */
    private fun inEitherSeatOf(test: suspend CoroutineScope.(Path, seated: suspend (suspend (Altair) -> Unit) -> Unit) -> Unit) {
        withFolder { folder -> test(folder) { act -> open(folder).use { act(it) } } }
        withFolder { folder -> test(folder) { act -> open(folder).use { open(folder).use { guest -> act(guest) } } } }
    }

    @Test
    fun `a cancelled capture is wholly there or not at all, and one that returned is there`() = inEitherSeatOf { folder, seated ->
        val returned = ConcurrentHashMap.newKeySet<String>()
        val tried = mutableSetOf<String>()
        seated { altair ->
            val usual = measureTime { repeat(10) { altair.trash.erase(altair.inbox.capture("for measure").id) } } / 20
            repeat(300) { round ->
                val text = "thought $round\nwith a second line"
                tried += text
                val capturing = launch(Dispatchers.Default) { returned += altair.inbox.capture(text).text }
                if (round % 30 == 0) capturing.join() else capturing.cancelSomewhere(usual * 2)
            }
        }
        open(folder).use { altair ->
            val kept = altair.thoughts()
            assertEquals(kept.size, kept.toSet().size, "nothing is there twice")
            assertTrue(kept.containsAll(returned), "what returned is there")
            assertTrue(tried.containsAll(kept), "what is there is whole")
            assertTrue(returned.isNotEmpty() && returned.size < tried.size, "some were cancelled: ${returned.size} returned")
            println("of 300 captures ${returned.size} returned, ${kept.size} are there")
            altair.assertSound()
        }
    }

    @Test
    fun `a cancelled edit changes all of its parts or none`() = inEitherSeatOf { folder, seated ->
        var id: EntityId? = null
        seated { altair ->
            val item = altair.items.create("0") {
                body = "0"
                unit = "0"
            }
            id = item.id
            repeat(200) { round ->
                val text = "${round + 1}"
                launch(Dispatchers.Default) {
                    altair.items.edit(item.id) {
                        name = text
                        body = text
                        unit = text
                        quantity = Quantity.of(round + 1L)
                    }
                }.cancelSomewhere()
                val now = altair.items.get(item.id)
                assertEquals(List(3) { now.title }, listOf(now.body, now.unit, now.quantity.toString()))
            }
        }
        open(folder).use { altair ->
            val versions = whole { altair.history.of(id!!, 1000, it) }
            assertTrue(versions.size > 1 && versions.dropLast(1).all { it.changes.size == 4 }, "every version changed all four")
            altair.assertSound()
        }
    }

    @Test
    fun `a cancelled count counts once or not at all`() = inEitherSeatOf { folder, seated ->
        var returned = 0
        var id: EntityId? = null
        seated { altair ->
            val eggs = altair.items.create("Eggs").id
            id = eggs
            repeat(200) {
                launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) {
                    altair.items.count(eggs, 1)
                    returned++
                }.cancelSomewhere()
            }
        }
        // Reopened, since what was accepted may still be on its way when its caller has gone.
        open(folder).use { altair ->
            val counted = altair.items.get(id!!).quantity
            val versions = whole { altair.history.of(id!!, 1000, it) }.size - 1
            assertEquals(Quantity.of(versions.toLong()), counted)
            assertTrue(counted in Quantity.of(returned.toLong())..Quantity.of(200), "$returned returned, $counted counted")
        }
    }

    @Test
    fun `a cancelled triage leaves a capture that is triaged or not`() = inEitherSeat { altair ->
        repeat(60) { round ->
            val capture = altair.inbox.capture("thought $round\nmore")
            launch(Dispatchers.Default) { altair.inbox.toNote(capture.id) }.cancelSomewhere()
            val now = altair.inbox.get(capture.id)
            val note = now.triagedInto?.let { altair.notes.get(it) }
            if (note != null) assertEquals("thought $round" to "more", note.title to note.body)
        }
        altair.assertSound()
    }

    @Test
    fun `a cancelled import goes on to its end or can be done again`() = inEitherSeat { altair ->
        val vault = altair.folder().resolve("vault").createDirectory()
        repeat(700) { vault.write("note $it.md" to "text [[note ${it + 1}]]") }
        repeat(5) {
            launch(Dispatchers.Default) { altair.vault.import(vault.toString()) }.cancelSomewhere()
        }
        var told = 0
        val importing = launch(Dispatchers.Default) { altair.vault.import(vault.toString()) { told++ } }
        withTimeoutOrNull(50_000.microseconds) { importing.join() }
        importing.cancelAndJoin()

        val whole = altair.vault.import(vault.toString())
        assertEquals(700, whole.notes + whole.unchanged)
        val notes = whole { altair.notes.list(1000, it) }
        assertEquals(700, notes.map { it.path }.toSet().size)
        assertEquals(700, notes.size)
        altair.assertSound()
    }

    @Test
    fun `a cancelled opening lets go of the folder`() = withFolder { folder ->
        var opened = 0
        repeat(40) { round ->
            val opening = launch(Dispatchers.Default) {
                try {
                    val wait = if (round % 8 == 0) 20.seconds else Duration.ZERO
                    open(folder, OpenOptions(lockWait = wait)).use { opened++ }
                } catch (locked: AltairException.Locked) {
                    // The one before it, which nobody waits for any more, is still on its way out.
                    assertTrue(locked.hint.isNotBlank())
                }
            }
            if (round % 8 == 0) opening.join() else opening.cancelSomewhere(200_000.microseconds)
        }
        println("of 40 openings $opened were not cancelled")
        open(folder, OpenOptions(lockWait = 20.seconds)).use { altair ->
            altair.inbox.capture("after")
            assertTrue("after" in altair.thoughts())
            eventually("nobody else has it any more") { altair.role() == "host" }
            altair.assertSound()
        }
    }

    @Test
    fun `a cancelled call is cancelled and nothing else`() = inEitherSeat { altair ->
        var thrown: Throwable? = null
        val calling = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) {
            try {
                while (true) altair.inbox.list()
            } catch (error: Throwable) {
                thrown = error
                throw error
            }
        }
        yield()
        calling.cancelAndJoin()
        assertTrue(thrown is CancellationException, "$thrown")
        assertFalse(altair.isClosed)
    }

    @Test
    fun `who is cancelled before calling does not call`() = inEitherSeat { altair ->
        val calling = launch(Dispatchers.Default, CoroutineStart.LAZY) { altair.inbox.capture("never") }
        calling.cancelAndJoin()
        assertEquals(emptyList(), altair.thoughts())
    }
}
