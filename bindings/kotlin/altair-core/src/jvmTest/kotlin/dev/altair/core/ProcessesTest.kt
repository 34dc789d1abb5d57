package dev.altair.core

import dev.altair.model.AltairException
import dev.altair.model.EntityId
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import kotlin.io.path.writeText
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** What is seen only from another process: how a JVM ends, who has the lock, what loads. */
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
    fun `a store that another process has is locked until that ends`() = withFolder { folder ->
        Child.start("hold", folder.resolve("store")).use { child ->
            assertEquals("open", blocking { child.line() })
            val error = fails<AltairException.Locked> { open(folder, OpenOptions(lockWait = Duration.ZERO)) }
            assertTrue(Regex("\\d+") in error.what, error.what)
            child.kill()
            open(folder).use { it.inbox.capture("after it was killed") }
        }
    }

    @Test
    fun `another process sees that this one has the store`() = withStore { altair ->
        Child.start("open", altair.folder().resolve("store")).use { child ->
            val said = blocking { child.lines() }
            assertEquals(2, said.size)
            assertTrue(said.all { it.startsWith("Locked: ") && "${ProcessHandle.current().pid()}" in it }, "$said")
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
