package dev.altair.core

import dev.altair.model.AltairException
import dev.altair.model.EntityId
import dev.altair.model.Watched
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runInterruptible
import kotlinx.coroutines.withTimeout
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.io.path.writeText
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** What is seen only from another process: how a JVM ends, who hosts the store and who takes over, what loads. */
class ProcessesTest {
    private suspend fun <T> blocking(act: () -> T): T = runInterruptible(Dispatchers.IO) { act() }

    /** Another JVM captures and ends in the middle of it; what it was answered is there. */
    private fun ends(how: String, code: Int?) = withFolder { folder ->
        Child.start(how, folder.resolve("store")).use { child ->
            val said = blocking {
                if (how == "forever") {
                    List(150) { child.line()!! }.also { child.kill() } + child.lines()
                } else {
                    child.lines()
                }
            }
            val ended = blocking { child.exit() }
            if (code != null) assertEquals(code, ended) else assertNotEquals(0, ended)
            // The last line may have been cut off with the process.
            val ids = said.filter { it.length == 36 }.map(::EntityId)
            assertTrue(ids.size >= 80, "${ids.size} captures returned")
            open(folder, OpenOptions(lockWait = 5.seconds)).use { altair ->
                val kept = whole { altair.inbox.list(1000, it) }
                assertTrue(kept.map { it.id }.containsAll(ids), "what returned is there")
                assertTrue(kept.all { it.text == "written before the end" })
                altair.assertSound()
            }
        }
    }

    @Test
    fun `a JVM that exits with the store open loses nothing`() = ends("exit", 3)

    @Test
    fun `a JVM that is halted with the store open loses nothing`() = ends("halt", 3)

    @Test
    fun `a JVM that is killed with the store open loses nothing`() = ends("forever", null)

    @Test
    fun `a main that returns with the store open ends the JVM`() = ends("return", 0)

    @Test
    fun `a store is locked as long as another process has it that cannot be joined`() = withFolder { folder ->
        for (closes in listOf(true, false)) {
            Child.alone(folder.resolve("store")).use { child ->
                assertEquals("host", blocking { child.line() })
                val error = fails<AltairException.Locked> { open(folder, OpenOptions(lockWait = Duration.ZERO)) }
                assertTrue("${child.pid}" in error.what, error.what)
                val begun = TimeSource.Monotonic.markNow()
                fails<AltairException.Locked> { open(folder, OpenOptions(lockWait = 300.milliseconds)) }
                assertTrue(begun.elapsedNow() in 290.milliseconds..10.seconds, "${begun.elapsedNow()}")
                val waiting = async(Dispatchers.Default) { open(folder, OpenOptions(lockWait = 20.seconds)) }
                if (closes) child.say("close") else child.kill()
                waiting.await().use { altair ->
                    assertEquals("host", altair.role())
                    altair.inbox.capture("after it was gone")
                }
            }
        }
    }

    @Test
    fun `another process joins the store that this one has`() = withHost { altair ->
        val heard = async(Dispatchers.Default) { altair.inbox.watch().first { page -> page.items.any { it.text == "from another process" } } }
        altair.inbox.capture("from this one")
        Child.start("visit", altair.folder().resolve("store")).use { child ->
            assertEquals(listOf("guest of ${ProcessHandle.current().pid()}", "from this one"), blocking { child.lines() })
            assertEquals(0, blocking { child.exit() })
        }
        heard.await()
        assertEquals("host", altair.role())
        altair.assertSound()
    }

    @Test
    fun `a guest that is killed in the middle of its captures loses nothing and harms nobody`() = withHost { altair ->
        Child.start("forever", altair.folder().resolve("store")).use { child ->
            val ids = blocking { List(150) { child.line()!! }.also { child.kill() } + child.lines() }.filter { it.length == 36 }.map(::EntityId)
            altair.inbox.capture("still here")
            assertTrue(whole { altair.inbox.list(1000, it) }.map { it.id }.containsAll(ids), "what returned is there")
            assertEquals("host", altair.role())
            altair.assertSound()
        }
    }

    @Test
    fun `a host that is killed is taken over from, and nothing is lost or done twice`() = withFolder { folder ->
        Child.start("forever", folder.resolve("store")).use { child ->
            val before = blocking { List(100) { child.line()!! } }
            val altair = open(folder, OpenOptions(lockWait = 20.seconds))
            assertEquals("guest", altair.role())
            val seen = Channel<Watched>(Channel.UNLIMITED)
            val watching = launch(Dispatchers.Default) { altair.watch().collect { seen.send(it) } }
            val first = seen.receive()
            val texts = ConcurrentLinkedQueue<String>()
            val capturing = List(4) { n ->
                launch(Dispatchers.Default) { for (turn in 0..<100) texts += altair.inbox.capture("$n.$turn of the guest").text }
            }
            eventually("the guest is in the middle of it") { texts.size >= 20 }
            val said = before + blocking { child.kill().let { child.lines() } }
            val killed = TimeSource.Monotonic.markNow()
            altair.inbox.capture("the first after it")
            println("the first answer came ${killed.elapsedNow()} after the host was killed")
            assertTrue(killed.elapsedNow() < 10.seconds, "it took ${killed.elapsedNow()}")
            assertEquals("host", altair.role())
            capturing.joinAll()

            val last = altair.inbox.capture("the last")
            val kept = whole { altair.inbox.list(1000, it) }
            assertTrue(kept.map { it.id }.containsAll(said.filter { it.length == 36 }.map(::EntityId)), "what the host answered is there")
            val mine = kept.map { it.text }.filter { it.endsWith("of the guest") }
            assertEquals(400 to 400, mine.size to mine.toSet().size)
            // A capture is one change: what was watched has neither a gap nor a repeat.
            val changes = mutableListOf<Watched.Changed>()
            while (changes.lastOrNull()?.event?.entity != last.id) changes += assertIs<Watched.Changed>(withTimeout(20.seconds) { seen.receive() })
            assertEquals(List(changes.size) { first.seq + 1 + it }, changes.map { it.seq })
            watching.cancelAndJoin()
            altair.assertSound()
            altair.close()
        }
    }

    @Test
    fun `a host that stands still is named, and is welcome back`() = withFolder { folder ->
        Child.start("hold", folder.resolve("store")).use { child ->
            assertEquals("host", blocking { child.line() })
            open(folder).use { altair ->
                blocking { child.signal("STOP") }
                val stopped = TimeSource.Monotonic.markNow()
                for (call in listOf<suspend () -> Any>({ altair.inbox.list() }, { open(folder, OpenOptions(lockWait = Duration.ZERO)) })) {
                    val error = fails<AltairException.Locked> { call() }
                    assertTrue("${child.pid}" in error.what, error.what)
                }
                assertTrue(stopped.elapsedNow() < 20.seconds, "it took ${stopped.elapsedNow()}")
                blocking { child.signal("CONT") }
                altair.inbox.capture("after")
                assertEquals("guest" to child.pid, altair.status().host.let { it.role to it.pid })
                child.say("close")
                assertEquals("closed", blocking { child.line() })
                assertEquals(listOf("after"), altair.thoughts())
                assertEquals("host", altair.role())
            }
        }
    }

    /** Each of these is said twice, since the second who asks must not be told less. */
    private fun says(vararg options: String, check: (String) -> Unit) = withFolder {
        Child.start("version", null, *options).use { child ->
            val said = blocking { child.lines() }
            assertEquals(2, said.size)
            assertEquals(said[0], said[1])
            check(said[0])
            assertEquals(0, blocking { child.exit() })
        }
    }

    @Test
    fun `the library is found in the jar`() = says { assertEquals(Altair.version, it) }

    @Test
    fun `a library that is not there is named, with the platform and what to do`() = says("-Ddev.altair.core.library=/nowhere/libaltair_ffi.so") {
        assertTrue(it.startsWith("Unsupported: "), it)
        assertTrue("resource path" !in it, it)
        for (part in listOf("/nowhere/libaltair_ffi.so", System.getProperty("os.name"), System.getProperty("os.arch"), "-Ddev.altair.core.library")) {
            assertTrue(part in it, "$part in: $it")
        }
    }

    @Test
    fun `a library that is none is named`() = withFolder { folder ->
        val file = folder.resolve("libaltair_ffi.so")
        file.writeText("no library")
        Child.start("version", null, "-Ddev.altair.core.library=$file").use { child ->
            val said = blocking { child.lines() }
            assertTrue(said.size == 2 && said.all { it.startsWith("Unsupported: ") && "$file" in it }, "$said")
        }
    }

    @Test
    fun `a library that is another is named`() = says("-Ddev.altair.core.library=${libc()}") {
        assertTrue(it.startsWith("Unsupported: ") && libc() in it, it)
    }

    @Test
    fun `a platform that there is no library for is named`() = says("-Dos.arch=sparc") {
        assertTrue(it.startsWith("Unsupported: ") && "on sparc" in it && "cargo xtask bindings" in it, it)
    }

    private fun libc() = listOf("/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6", "/usr/lib/libm.so.6", "/lib64/libm.so.6")
        .first { java.io.File(it).exists() }
}
