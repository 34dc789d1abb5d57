package dev.altair.core

import dev.altair.model.Quantity
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExecutorCoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class ConcurrencyTest {
    @Test
    fun `a hundred coroutines on several dispatchers lose nothing`() = inEitherSeat { altair ->
        val eggs = altair.items.create("Eggs")
        val note = altair.notes.create("Log")
        Executors.newSingleThreadExecutor().asCoroutineDispatcher().use { own: ExecutorCoroutineDispatcher ->
            val dispatchers: List<CoroutineDispatcher> =
                listOf(Dispatchers.Default, Dispatchers.IO, Dispatchers.Unconfined, Dispatchers.IO.limitedParallelism(1), own)
            val ids = List(100) { n ->
                async(dispatchers[n % dispatchers.size]) {
                    List(3) { turn ->
                        altair.items.count(eggs.id, 1)
                        altair.notes.edit(note.id) { append("$n.$turn") }
                        val capture = altair.inbox.capture("thought $n.$turn")
                        assertEquals(capture, altair.inbox.get(capture.id))
                        capture.id
                    }
                }
            }.awaitAll().flatten()
            assertEquals(300, ids.toSet().size)
        }
        assertEquals(Quantity.of(300), altair.items.get(eggs.id).quantity)
        val all = List(300) { "${it / 3}.${it % 3}" }.toSet()
        assertEquals(all, altair.notes.get(note.id).body.lines().toSet())
        assertEquals(all, altair.thoughts().map { it.removePrefix("thought ") }.toSet())
        assertEquals(300, altair.search.find("thought", limit = 1000).items.size)
        altair.assertSound()
    }

    @Test
    fun `threads that know no coroutines can call too`() = withStore { altair ->
        val threads = List(8) { n -> thread { runBlocking { repeat(10) { altair.inbox.capture("thought $n.$it") } } } }
        threads.forEach { it.join() }
        assertEquals(80, altair.thoughts().toSet().size)
    }

    @Test
    fun `a coroutine that blocks where it is woken holds up nobody else`() = inEitherSeat { altair ->
        val release = CountDownLatch(1)
        val blocked = AtomicInteger()
        val blocking = List(8) { n ->
            launch(Dispatchers.Unconfined) {
                if (n % 2 == 0) altair.inbox.capture("thought $n") else altair.inbox.list()
                blocked.incrementAndGet()
                release.await()
            }
        }
        try {
            eventually("all block") { blocked.get() == 8 }
            repeat(20) { assertEquals("after $it", altair.inbox.get(altair.inbox.capture("after $it").id).text) }
            assertEquals(24, altair.thoughts().size)
        } finally {
            release.countDown()
        }
        blocking.joinAll()
    }

    @Test
    fun `two stores in one process know nothing of each other`() = withFolder { folder ->
        val one = Altair.open(folder.resolve("one").toString())
        val other = Altair.open(folder.resolve("other").toString())
        List(40) { n -> launch(Dispatchers.Default) { (if (n % 2 == 0) one else other).inbox.capture("thought $n") } }.joinAll()
        assertEquals(List(20) { "thought ${2 * it}" }.toSet(), one.thoughts().toSet())
        assertEquals(List(20) { "thought ${2 * it + 1}" }.toSet(), other.thoughts().toSet())
        one.close()
        assertTrue(one.isClosed && !other.isClosed)
        other.inbox.capture("still open")
        assertEquals(21, other.thoughts().size)
        other.close()
    }

    @Test
    fun `lists and searches go on while much is written`() = withStore { altair ->
        val writing = List(10) { n -> launch(Dispatchers.Default) { repeat(20) { altair.notes.create("figs $n.$it") } } }
        var most = 0
        while (writing.any { it.isActive }) {
            val found = altair.search.find("figs", limit = 1000).items.size
            assertTrue(found >= most, "what was found once is found again")
            most = found
            altair.notes.list(1000)
        }
        assertEquals(200, altair.search.find("figs", limit = 1000).items.size)
    }
}
