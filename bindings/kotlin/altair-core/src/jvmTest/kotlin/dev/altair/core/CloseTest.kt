package dev.altair.core

import dev.altair.core.ffi.subscriptions
import dev.altair.model.AltairException
import dev.altair.model.EntityId
import dev.altair.model.Kind
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

class CloseTest {
    @Test
    fun `a closed store says so, whatever is asked of it`() = inEitherSeat { altair ->
        val folder = altair.folder()
        val note = altair.notes.create("Figs")
        val file = folder.write("a.txt" to "text").resolve("a.txt").toString()
        altair.close()
        assertTrue(altair.isClosed)
        val acts = listOf<suspend () -> Any?>(
            { altair.inbox.capture("late") },
            { altair.inbox.list() },
            { altair.inbox.all().toList() },
            { altair.inbox.watch().first() },
            { altair.inbox.toNote(note.id) },
            { altair.notes.create("late") },
            { altair.notes.edit(note.id) { title = "late" } },
            { altair.notes.get(note.id) },
            { altair.items.count(note.id, 1) },
            { altair.entities.find("abcd") },
            { altair.entities.details(note.id) },
            { altair.entities.list(Kind.Note) },
            { altair.entities.tag(note.id, listOf("late")) },
            { altair.entities.link(note.id, EntityId("0197b5d8-7f00-7000-8000-000000000000")) },
            { altair.entities.delete(note.id) },
            { altair.search.find("figs") },
            { altair.trash.list() },
            { altair.trash.purge(0) },
            { altair.history.of(note.id) },
            { altair.history.undo() },
            { altair.history.redo() },
            { altair.conflicts.list() },
            { altair.attachments.attach(note.id, file) },
            { altair.vault.import(folder.toString()) },
            { altair.vault.export(folder.resolve("out").toString()) },
            { altair.backups.write(folder.resolve("backup").toString()) },
            { altair.backups.fill(file) },
            { altair.status() },
            { altair.doctor() },
            { altair.watch().first() },
            { altair.observe { 1 }.first() },
        )
        for (act in acts) fails<AltairException.Closed> { act() }
        assertEquals(0, subscriptions())
    }

    @Test
    fun `closing twice does nothing`() = withFolder { folder ->
        val altair = open(folder)
        altair.close()
        altair.close()
        List(10) { launch(Dispatchers.Default) { altair.close() } }.joinAll()
        assertTrue(altair.isClosed)
    }

    @Test
    fun `closing by many at once closes once`() = withFolder { folder ->
        val altair = open(folder)
        List(20) { launch(Dispatchers.Default) { altair.close() } }.joinAll()
        open(folder).use { assertEquals("host", it.role()) }
    }

    @Test
    fun `what is in flight when the store is closed is done, or says that it is closed`() = withFolder { folder ->
        repeat(5) { round ->
            val altair = open(folder)
            val captures = List(100) { n ->
                async(Dispatchers.Default) {
                    try {
                        altair.inbox.capture("thought $round.$n").text
                    } catch (closed: AltairException.Closed) {
                        assertTrue(closed.hint.isNotBlank())
                        null
                    }
                }
            }
            if (round > 0) captures[round * 10].await()
            withTimeout(20.seconds) { altair.close() }
            val returned = captures.awaitAll().filterNotNull()
            open(folder).use { again ->
                val kept = again.thoughts().filter { it.startsWith("thought $round.") }
                assertTrue(kept.containsAll(returned), "what returned is there")
                println("of 100 captures while closing ${returned.size} returned, ${kept.size} are there")
            }
        }
    }

    @Test
    fun `use closes the store, whatever happens`() = withFolder { folder ->
        class Mine : Exception("mine")
        var kept: Altair? = null
        assertFailsWith<Mine> {
            open(folder).use {
                kept = it
                it.inbox.capture("thought")
                throw Mine()
            }
        }
        assertTrue(kept!!.isClosed)
        val using = launch(Dispatchers.Default) {
            open(folder).use {
                kept = it
                it.watch().collect { }
            }
        }
        eventually("it watches") { subscriptions() == 1L }
        using.cancelAndJoin()
        assertTrue(kept!!.isClosed)
        assertEquals("host", open(folder, OpenOptions(lockWait = Duration.ZERO)).use { it.role() })
    }

    @Test
    fun `a closing that is cancelled closes all the same`() = withFolder { folder ->
        repeat(5) {
            val altair = open(folder)
            altair.inbox.capture("thought $it")
            launch(Dispatchers.Default) { altair.close() }.cancelAndJoin()
            altair.close()
        }
        open(folder).use { assertEquals(5, it.thoughts().size) }
    }

    @Test
    fun `a store can be opened again as soon as closing has returned`() = withFolder { folder ->
        repeat(5) { round ->
            val altair = open(folder, OpenOptions(lockWait = Duration.ZERO))
            assertEquals("host", altair.role())
            val watching = launch(Dispatchers.Default) { altair.watch().collect { } }
            altair.inbox.capture("thought $round")
            altair.search.find("thought")
            altair.close()
            watching.join()
        }
        eventually("nobody watches") { subscriptions() == 0L }
    }
}
