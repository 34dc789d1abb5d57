package dev.altair.core

import app.cash.turbine.test
import dev.altair.core.ffi.subscriptions
import dev.altair.model.AltairException
import dev.altair.model.ChangeId
import dev.altair.model.Cursor
import dev.altair.model.EntityId
import dev.altair.model.Kind
import dev.altair.model.Quantity
import dev.altair.model.Watched
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import java.nio.file.Path
import kotlin.io.path.deleteExisting
import kotlin.io.path.exists
import kotlin.io.path.readText
import kotlin.io.path.writeText
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** A store that somebody else hosts: whoever has joined it can't tell the difference, and takes over when the host is gone. */
class GuestTest {
    @Test
    fun `the second opening of a store joins the first, at once`() = withFolder { folder ->
        open(folder).use { host ->
            val note = host.notes.create("Figs", "sun")
            open(folder, OpenOptions(lockWait = Duration.ZERO)).use { guest ->
                assertEquals(listOf("host", "guest"), listOf(host, guest).map { it.role() })
                assertEquals(host.status().host.copy(role = "guest"), guest.status().host)
                assertEquals(note, guest.notes.get(note.id))
                assertEquals(listOf(note.id), guest.search.find("sun").items.map { it.id })
                val edited = guest.notes.edit(note.id) { append("water") }
                assertEquals(edited, host.notes.get(note.id))
                assertEquals("sun\nwater", edited.body)
                host.assertSound()
                guest.assertSound()
            }
            host.inbox.capture("its guest has left")
        }
    }

    @Test
    fun `host and guest see each other's changes as they happen`() = withGuest { host, guest ->
        for ((writes, watches) in listOf(host to guest, guest to host)) {
            watches.notes.watch().test(timeout = DEADLINE) {
                val before = awaitItem().items
                val note = writes.notes.create("Figs")
                assertEquals(listOf(note) + before, awaitItem().items)
                val edited = writes.notes.edit(note.id) { title = "Plums" }
                assertEquals(listOf(edited) + before, awaitItem().items)
                cancelAndIgnoreRemainingEvents()
            }
            watches.watch(Kind.Capture).test(timeout = DEADLINE) {
                assertIs<Watched.Current>(awaitItem())
                val capture = writes.inbox.capture("thought")
                assertEquals(capture.id, assertIs<Watched.Changed>(awaitItem()).event.entity)
                expectNoEvents()
                cancelAndIgnoreRemainingEvents()
            }
        }
    }

    @Test
    fun `many at once on many guests lose nothing`() = withFolder { folder ->
        val stores = List(4) { open(folder) }
        val eggs = stores[0].items.create("Eggs")
        val ids = List(100) { n ->
            async(Dispatchers.Default) {
                val store = stores[n % stores.size]
                store.items.count(eggs.id, 1)
                store.inbox.capture("thought $n").id
            }
        }.awaitAll()
        for (store in stores) {
            assertEquals(Quantity.of(100), store.items.get(eggs.id).quantity)
            assertEquals(ids.toSet(), whole { store.inbox.list(1000, it) }.map { it.id }.toSet())
        }
        assertEquals(listOf("host", "guest", "guest", "guest"), stores.map { it.role() })
        stores.forEach { it.close() }
    }

    @Test
    fun `when the host closes a guest takes over, and calls and flows go on`() = withFolder { folder ->
        val host = open(folder)
        val (one, other) = List(2) { open(folder) }
        val seen = Channel<Watched>(Channel.UNLIMITED)
        val watching = launch(Dispatchers.Default) { one.watch().collect { seen.send(it) } }
        val current = assertIs<Watched.Current>(seen.receive())
        one.notes.watch().test(timeout = DEADLINE) {
            assertEquals(emptyList(), awaitItem().items)
            // In the middle of what the guests ask.
            val captures = List(200) { n -> async(Dispatchers.Default) { (if (n % 2 == 0) one else other).inbox.capture("thought $n").id } }
            captures[20].await()
            host.close()
            val ids = captures.awaitAll()
            val note = other.notes.create("Figs")
            assertEquals(listOf(note), awaitItem().items)
            assertEquals(200, ids.toSet().size)
            assertEquals(ids.toSet(), whole { one.inbox.list(1000, it) }.map { it.id }.toSet())
            val changes = List(201) { assertIs<Watched.Changed>(withTimeout(20.seconds) { seen.receive() }) }
            assertEquals(List(201) { current.seq + 1 + it }, changes.map { it.seq }, "neither a gap nor a repeat")
            assertEquals(ids.toSet() + note.id, changes.map { it.event.entity }.toSet())
            cancelAndIgnoreRemainingEvents()
        }
        fails<AltairException.Closed> { host.inbox.list() }
        watching.cancel()
        val (next, last) = if (one.role() == "host") one to other else other to one
        assertEquals("host" to "guest", next.role() to last.role())
        next.close()
        assertEquals(200, last.thoughts().size)
        assertEquals("host" to 3L, last.status().host.let { it.role to it.epoch })
        last.assertSound()
        last.close()
        open(folder).use { assertEquals(200, it.thoughts().size) }
    }

    @Test
    fun `hosts come and go, and each of a guest's calls is done once`() = withFolder { folder ->
        var host = open(folder)
        val guest = open(folder)
        repeat(6) { round ->
            val leaving = host
            host = open(folder)
            val captures = List(20) { n -> async(Dispatchers.Default) { guest.inbox.capture("thought $round.$n").id } }
            leaving.close()
            assertEquals(20, captures.awaitAll().toSet().size)
        }
        val texts = guest.thoughts()
        assertEquals(List(120) { "thought ${it / 20}.${it % 20}" }.toSet(), texts.toSet())
        assertEquals(120, texts.size)
        guest.assertSound()
        host.close()
        guest.close()
    }

    @Test
    fun `a guest that closes ends its own flows and nobody else's`() = withGuest { host, guest ->
        val hosts = Channel<Watched>(Channel.UNLIMITED)
        val watching = launch(Dispatchers.Default) { host.watch().collect { hosts.send(it) } }
        val ended = async { guest.watch().toList() }
        val observed = async { guest.notes.watch().toList() }
        hosts.receive()
        eventually("all watch") { subscriptions() == 3L }
        guest.close()
        assertEquals(1, ended.await().size)
        assertTrue(observed.await().size <= 1)
        fails<AltairException.Closed> { guest.inbox.capture("late") }
        val capture = host.inbox.capture("still open")
        assertEquals(capture.id, assertIs<Watched.Changed>(hosts.receive()).event.entity)
        watching.cancel()
        eventually("nobody watches") { subscriptions() == 0L }
    }

    @Test
    fun `errors of every kind are the same`() = withGuest { host, guest ->
        val folder = host.folder()
        val nobody = EntityId("0197b5d8-7f00-7000-8000-000000000000")
        val note = host.notes.create("Figs", "sun")
        val trashed = host.entities.delete(host.notes.create("Plums").id)
        val triaged = host.inbox.capture("thought").also { host.inbox.toNote(it.id) }
        val file = folder.resolve("a.txt").also { it.writeText("text") }
        val damaged = host.attachments.attach(note.id, file.toString())
        Path.of(host.attachments.open(damaged.id).path).deleteExisting()
        val acts = listOf<suspend (Altair) -> Any?>(
            { it.notes.get(nobody) },
            { it.entities.find("0000") },
            { it.entities.find("x") },
            { it.notes.get(EntityId("x")) },
            { it.quests.create("Rest") { energy = 9 } },
            { it.inbox.capture(" ") },
            { it.inbox.capture("nul\u0000") },
            { it.inbox.capture("half \ud800") },
            { it.inbox.list(limit = 0) },
            { it.notes.list(after = Cursor("x")) },
            { it.search.find("kind:nothing") },
            { it.quests.get(note.id) },
            { it.quests.edit(note.id) { title = "x" } },
            { it.notes.edit(note.id) { } },
            { it.notes.edit(note.id) { body("rain", base = "never was that") } },
            { it.entities.delete(trashed.id) },
            { it.trash.restore(note.id) },
            { it.trash.purge(-1) },
            { it.inbox.toQuest(triaged.id) },
            { it.history.revert(note.id, ChangeId(nobody.value)) },
            { it.entities.link(note.id, note.id) },
            { it.entities.unlink(note.id, nobody) },
            { it.attachments.open(damaged.id) },
            { it.attachments.attach(note.id, folder.resolve("missing").toString()) },
            { it.attachments.attach(note.id, folder.toString()) },
            { it.vault.import(folder.resolve("missing").toString()) },
            { it.vault.import(file.toString()) },
            { it.vault.export("/proc/altair") },
            { it.backups.write(folder.resolve("missing/backup").toString()) },
            { it.backups.fill(folder.resolve("missing").toString()) },
            { it.backups.fill(file.toString()) },
        )
        val kinds = acts.map { act ->
            val (here, there) = listOf(host, guest).map { store -> assertFailsWith<AltairException> { act(store) } }
            assertEquals(here::class to here.message, there::class to there.message)
            assertTrue(there.what.isNotBlank() && there.hint.isNotBlank(), "$there")
            there::class
        }
        for (kind in listOf(AltairException.NotFound::class, AltairException.Invalid::class, AltairException.Refused::class)) {
            assertTrue(kind in kinds, "$kind")
        }
        println("errors on a guest: ${kinds.groupingBy { it.simpleName }.eachCount()}")
        assertEquals("guest", guest.role())
    }

    @Test
    fun `long work is done for a guest too, and told`() = withGuest { host, guest ->
        val folder = host.folder()
        val vault = folder.resolve("vault").also { it.toFile().mkdir() }
        repeat(300) { vault.write("note $it.md" to "text [[note ${it + 1}]]") }
        val told = mutableListOf<Long>()
        assertEquals(300, guest.vault.import(vault.toString()) { told += it.done }.notes)
        assertEquals(300, told.last())
        assertEquals(told.sorted(), told)
        assertEquals(300, whole { host.notes.list(1000, it) }.size)
        val out = folder.resolve("out")
        assertEquals(300, guest.vault.export(out.toString()).notes)
        assertEquals(vault.tree(), out.tree())
        val backup = folder.resolve("backup.ndjson")
        assertEquals(guest.backups.write(backup.toString()), Altair.checkBackup(backup.toString()))
        val note = guest.notes.list(1).items.single()
        val file = folder.write("picture.svg" to "<svg/>").resolve("picture.svg")
        val attached = guest.attachments.attach(note.id, file.toString())
        assertEquals("<svg/>", Path.of(guest.attachments.open(attached.id).path).readText())
        assertTrue(guest.history.undo().isNotEmpty())
    }

    @Test
    fun `a guest whose store is moved away says so and makes no new one`() = withFolder { folder ->
        val host = open(folder)
        val guest = open(folder)
        val kept = guest.inbox.capture("kept")
        val (here, there) = listOf("store", "moved").map { folder.resolve(it) }
        assertTrue(here.toFile().renameTo(there.toFile()))
        fails<AltairException.Closed> { guest.inbox.capture("for the one that is gone") }
        assertTrue(!here.exists())
        assertNotEquals("", kept.id.value)
        host.closeWhateverComes()
        guest.closeWhateverComes()
    }

    private suspend fun Altair.closeWhateverComes() {
        try {
            close()
        } catch (moved: AltairException.Closed) {
            assertTrue(moved.hint.isNotBlank())
        }
    }
}
