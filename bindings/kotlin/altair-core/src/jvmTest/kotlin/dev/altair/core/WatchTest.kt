package dev.altair.core

import app.cash.turbine.test
import dev.altair.core.ffi.subscriptions
import dev.altair.model.EventKind
import dev.altair.model.Kind
import dev.altair.model.Watched
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.job
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds

class WatchTest {
    @Test
    fun `a watcher sees where things stand and then every change in order`() = inEitherSeat { altair ->
        altair.notes.create("before")
        altair.watch().test(timeout = DEADLINE) {
            val current = assertIs<Watched.Current>(awaitItem())
            val note = altair.notes.create("Figs")
            altair.notes.edit(note.id) { title = "Fig trees" }
            altair.entities.delete(note.id)
            altair.trash.restore(note.id)
            altair.trash.erase(note.id)
            val events = List(5) { assertIs<Watched.Changed>(awaitItem()) }
            assertEquals(List(5) { current.seq + 1 + it }, events.map { it.seq })
            val kinds = listOf(EventKind.Created, EventKind.Changed, EventKind.Deleted, EventKind.Restored, EventKind.Erased)
            assertEquals(kinds, events.map { it.event.event })
            assertTrue(events.all { it.event.entity == note.id && it.event.kind == Kind.Note && it.event.device == note.createdBy })
            assertEquals(listOf("title"), events[1].event.fields)
            expectNoEvents()
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `a watcher of one kind sees that kind alone`() = withStore { altair ->
        altair.watch(Kind.Quest).test(timeout = DEADLINE) {
            assertIs<Watched.Current>(awaitItem())
            altair.notes.create("not this")
            val quest = altair.quests.create("this")
            assertEquals(quest.id, assertIs<Watched.Changed>(awaitItem()).event.entity)
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `what is observed is read now and after every change of these kinds`() = withStore { altair ->
        altair.observe(Kind.Note, Kind.Quest) { altair.status().counts.filterKeys { it == Kind.Note || it == Kind.Quest }.values.sum() }
            .test(timeout = DEADLINE) {
                assertEquals(0, awaitItem())
                altair.notes.create("note")
                assertEquals(1, awaitItem())
                altair.inbox.capture("neither")
                altair.quests.create("quest")
                assertEquals(2, awaitItem())
                expectNoEvents()
                cancelAndIgnoreRemainingEvents()
            }
        altair.observe { altair.inbox.list().items.size }.test(timeout = DEADLINE) {
            assertEquals(1, awaitItem())
            altair.inbox.capture("another")
            assertEquals(2, awaitItem())
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `flows that are collected and cancelled two hundred times leave nothing behind`() = inEitherSeat { altair ->
        eventually("nobody watches") { subscriptions() == 0L }
        repeat(200) { round ->
            when (round % 4) {
                0 -> assertIs<Watched.Current>(altair.watch().first())
                1 -> assertEquals(1, altair.inbox.watch().take(1).toList().size)
                2 -> launch(Dispatchers.Default) { altair.watch().collect { } }.cancel()
                else -> {
                    val seen = CompletableDeferred<Unit>()
                    val collecting = altair.notes.watch().onEach { seen.complete(Unit) }.launchIn(CoroutineScope(Dispatchers.Default))
                    seen.await()
                    collecting.cancel()
                }
            }
            if (round % 20 == 0) altair.inbox.capture("round $round")
        }
        eventually("all subscriptions have ended") { subscriptions() == 0L }
        assertEquals(10, altair.thoughts().size)
    }

    @Test
    fun `one flow is collected by many at once`() = inEitherSeat { altair ->
        val flow = altair.watch()
        val collected = List(50) { async(Dispatchers.Default) { flow.take(4).toList() } }
        eventually("all watch") { subscriptions() == 50L }
        repeat(3) { altair.inbox.capture("thought $it") }
        // Whoever began late has his current value later, and the same changes after it.
        altair.inbox.capture("the last")
        for (seen in collected.awaitAll()) {
            assertIs<Watched.Current>(seen.first())
            assertEquals(List(4) { seen.first().seq + it }, seen.map { it.seq })
        }
        eventually("all subscriptions have ended") { subscriptions() == 0L }
    }

    @Test
    fun `a slow collector holds no writer up and sees everything in order`() = inEitherSeat { altair ->
        val gate = CompletableDeferred<Unit>()
        val seen = Channel<Watched>(Channel.UNLIMITED)
        val slow = launch(Dispatchers.Default) {
            altair.watch(Kind.Capture).collect {
                seen.send(it)
                gate.await()
            }
        }
        val current = assertIs<Watched.Current>(seen.receive())
        withTimeout(40.seconds) {
            List(50) { writer ->
                launch(Dispatchers.Default) { repeat(20) { altair.inbox.capture("$writer.$it") } }
            }.joinAll()
        }
        gate.complete(Unit)
        val events = List(1000) { assertIs<Watched.Changed>(withTimeout(20.seconds) { seen.receive() }) }
        assertEquals(List(1000) { current.seq + 1 + it }, events.map { it.seq })
        slow.cancel()
    }

    /** On a disk in memory: it takes thousands of commits, one by one. */
    @Test
    fun `a collector that is much too slow is told that it fell behind, and sees what comes then`() = withFolder(MEMORY) { folder ->
        open(folder).use { altair ->
            val gate = CompletableDeferred<Unit>()
            val seen = Channel<Watched>(Channel.UNLIMITED)
            val slow = launch(Dispatchers.Default) {
                altair.watch().collect {
                    seen.send(it)
                    gate.await()
                }
            }
            assertIs<Watched.Current>(seen.receive())
            val item = altair.items.create("Eggs")
            repeat(4_500) { altair.items.count(item.id, 1) }
            gate.complete(Unit)
            var last = 0L
            var lagged = 0
            while (true) {
                val next = withTimeout(20.seconds) { seen.receive() }
                assertTrue(next.seq > last, "in order")
                last = next.seq
                if (next is Watched.Lagged) break
                lagged++
            }
            assertTrue(lagged < 4_000, "some were passed over, after $lagged")
            val late = altair.inbox.capture("after")
            assertEquals(late.id, assertIs<Watched.Changed>(withTimeout(20.seconds) { seen.receive() }).event.entity)
            slow.cancel()
        }
    }

    @Test
    fun `a collector that throws gets its own exception and nobody else notices`() = withStore { altair ->
        class Mine : Exception("mine")
        assertFailsWith<Mine> { altair.watch().collect { throw Mine() } }
        assertFailsWith<Mine> {
            altair.watch().collect { if (it is Watched.Current) altair.inbox.capture("thought") else throw Mine() }
        }
        assertFailsWith<Mine> { altair.observe<Int> { throw Mine() }.first() }
        eventually("all subscriptions have ended") { subscriptions() == 0L }
        assertEquals(listOf("thought"), altair.thoughts())
    }

    @Test
    fun `flows end with the store`() = withFolder { folder ->
        val altair = open(folder)
        val watching = async { altair.watch().toList() }
        val observing = async { altair.notes.watch().toList() }
        eventually("both watch") { subscriptions() == 2L }
        altair.close()
        withTimeout(20.seconds) {
            assertEquals(1, watching.await().size)
            assertTrue(observing.await().size <= 1)
        }
        eventually("all subscriptions have ended") { subscriptions() == 0L }
    }

    @Test
    fun `a collector may write, and sees what it wrote`() = withStore { altair ->
        var depth = 0
        val seen = altair.watch(Kind.Capture).take(6).onEach { if (depth++ < 5) altair.inbox.capture("thought $depth") }.toList()
        assertEquals(List(6) { seen[0].seq + it }, seen.map { it.seq })
    }

    @Test
    fun `what is said in time is heard within a second`() = inEitherSeat { altair ->
        val heard = Channel<Watched>(Channel.UNLIMITED)
        val watching = launch(Dispatchers.Default) { altair.watch().collect { heard.send(it) } }
        heard.receive()
        repeat(20) {
            altair.inbox.capture("thought")
            withTimeout(1.seconds) { heard.receive() }
        }
        watching.cancel()
        coroutineContext.job.children.forEach { it.join() }
    }
}
