package dev.altair.core

import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.isRegularFile
import kotlin.io.path.walk
import kotlin.io.path.writeText
import kotlinx.coroutines.runBlocking
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

@OptIn(ExperimentalPathApi::class)
class LogTest {
    private val lines = ConcurrentLinkedQueue<LogLine>()

    @AfterTest
    fun stop() = runBlocking { Altair.log(listener = null) }

    @Test
    fun `the log tells what happens, from its level on`() = withFolder { folder ->
        Altair.log(LogLevel.Info) { lines += it }
        open(folder).close()
        eventually("the opening is told") { lines.any { "the store is open" in it.message } }
        val line = lines.first { "the store is open" in it.message }
        assertEquals(LogLevel.Info, line.level)
        assertTrue(line.target.startsWith("altair_core"), line.target)
        assertTrue(lines.none { it.level == LogLevel.Debug })
        Altair.log(LogLevel.Error) { lines += it }
        lines.clear()
        open(folder).close()
        assertTrue(lines.none { it.level != LogLevel.Error }, "$lines")
    }

    @Test
    fun `the log never holds what somebody wrote`() = withFolder { folder ->
        Altair.log(LogLevel.Debug) { lines += it }
        open(folder).use { altair ->
            val note = altair.notes.create("Unrepeatable title", "unrepeatable body #unrepeatabletag")
            altair.inbox.capture("unrepeatable thought")
            altair.search.find("unrepeatable")
            runCatching { altair.search.find("kind:unrepeatable") }
            runCatching { altair.notes.create("unrepeatable\u0000") }
            altair.entities.tag(note.id, listOf("unrepeatable2"))
            altair.vault.import(folder.resolve("vault").also { it.toFile().mkdir() }.write("unrepeatable.md" to "unrepeatable").toString())
            altair.trash.erase(note.id)
            altair.doctor()
        }
        folder.resolve("store/search").walk().filter { it.isRegularFile() }.forEach { it.writeText("noise") }
        open(folder).use { it.search.find("thought") }
        eventually("the index is made anew") { lines.any { "index" in it.message } }
        assertTrue(lines.none { "unrepeatable" in it.message.lowercase() }, "$lines")
    }

    @Test
    fun `a listener that throws is asked again`() = withFolder { folder ->
        for (thrown in listOf(IllegalStateException("mine"), AssertionError("mine"), StackOverflowError())) {
            lines.clear()
            Altair.log {
                lines += it
                throw thrown
            }
            repeat(2) { open(folder).use { it.inbox.capture("thought") } }
            eventually("both openings are told") { lines.count { "the store is open" in it.message } == 2 }
        }
    }

    @Test
    fun `a listener that blocks holds nothing up`() = withFolder { folder ->
        val release = CountDownLatch(1)
        try {
            Altair.log(LogLevel.Debug) {
                lines += it
                release.await()
            }
            open(folder).use { altair ->
                eventually("it is called") { lines.isNotEmpty() }
                repeat(20) { altair.inbox.capture("thought") }
                assertEquals(1, lines.size)
            }
            Altair.log(listener = null)
            open(folder).close()
        } finally {
            release.countDown()
        }
    }

    @Test
    fun `without a listener nothing is told`() = withFolder { folder ->
        Altair.log { lines += it }
        Altair.log(listener = null)
        open(folder).close()
        assertEquals(0, lines.size)
    }
}
