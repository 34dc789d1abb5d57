package dev.altair.core

import dev.altair.model.AltairException
import dev.altair.model.Page
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.copyToRecursively
import kotlin.io.path.createParentDirectories
import kotlin.io.path.deleteRecursively
import kotlin.io.path.isRegularFile
import kotlin.io.path.isWritable
import kotlin.io.path.readBytes
import kotlin.io.path.relativeTo
import kotlin.io.path.walk
import kotlin.io.path.writeText
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import kotlin.test.fail
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** No test waits longer than this for anything. */
internal val DEADLINE = 60.seconds

/** A place on a disk in memory, or on any disk where there is none. */
internal val MEMORY: Path = Path.of("/dev/shm").takeIf { it.isWritable() } ?: Path.of(System.getProperty("java.io.tmpdir"))

/** Runs a test with an empty folder of its own. */
@OptIn(ExperimentalPathApi::class)
internal fun withFolder(on: Path? = null, test: suspend CoroutineScope.(Path) -> Unit) {
    val folder = if (on == null) Files.createTempDirectory("altair") else Files.createTempDirectory(on, "altair")
    try {
        runBlocking { withTimeout(DEADLINE) { test(folder) } }
    } finally {
        // What a cancelled call began may still write a little.
        runBlocking { eventually("the folder can be deleted") { runCatching { folder.deleteRecursively() }.isSuccess } }
    }
}

/** Whether the tests are to go as far as they do every night. */
private val nightly = System.getenv("ALTAIR_TEST_TIER") == "nightly"

/** Runs a test with an open, empty store, and closes it. Every night it is one that was joined, too. */
internal fun withStore(test: suspend CoroutineScope.(Altair) -> Unit): Unit = if (nightly) inEitherSeat(test) else withHost(test)

/** Runs a test with an open, empty store that is hosted here, and closes it. */
internal fun withHost(test: suspend CoroutineScope.(Altair) -> Unit): Unit =
    withFolder { folder -> open(folder).use { test(it) } }

/** Runs a test with an open, empty store and a guest of it, and closes both. */
internal fun withGuest(test: suspend CoroutineScope.(host: Altair, guest: Altair) -> Unit): Unit = withFolder { folder ->
    open(folder).use { host -> open(folder).use { guest -> test(host, guest) } }
}

/** Runs a test with an open, empty store twice: where it is hosted, and where it was joined. */
internal fun inEitherSeat(test: suspend CoroutineScope.(Altair) -> Unit) {
    withHost(test)
    withGuest { _, guest ->
        test(guest)
        if (!guest.isClosed) assertEquals("guest", guest.role())
    }
}

/** Whether a store is hosted here: `host`, or `guest`. */
internal suspend fun Altair.role(): String = status().host.role

/** Opens the store of a test's folder. */
internal suspend fun open(folder: Path, options: OpenOptions = OpenOptions()): Altair =
    Altair.open(folder.resolve("store").toString(), options)

/** The folder that a test's store lies in. */
internal suspend fun Altair.folder(): Path = Path.of(status().store).parent

/** Expects this error, and that it says what happened and what to do about it. */
internal inline fun <reified T : AltairException> fails(act: () -> Any?): T {
    val error = assertFailsWith<T> { act() }
    assertTrue(error.what.isNotBlank(), "it says what happened: $error")
    assertTrue(error.hint.isNotBlank(), "it says what to do: $error")
    return error
}

/** Waits until something holds. */
internal suspend fun eventually(what: String, deadline: Duration = 20.seconds, holds: suspend () -> Boolean) {
    withTimeoutOrNull(deadline) {
        while (!holds()) delay(2.milliseconds)
        true
    } ?: fail("in $deadline it did not come about that $what")
}

/** Everything of a list, page by page. */
internal suspend fun <T> whole(read: suspend (after: dev.altair.model.Cursor?) -> Page<T>): List<T> {
    val all = mutableListOf<T>()
    var page = read(null)
    all += page.items
    while (page.next != null) {
        page = read(page.next)
        all += page.items
    }
    return all
}

/** The texts of everything in the inbox. */
internal suspend fun Altair.thoughts(): List<String> = inbox.all().texts()

private suspend fun Flow<dev.altair.model.Capture>.texts() = toList().map { it.text }

/** Expects that a check of the whole store finds nothing wrong. */
internal suspend fun Altair.assertSound() {
    val diagnosis = doctor()
    assertTrue(diagnosis.health == "ok" && diagnosis.problems.isEmpty(), "$diagnosis")
}

/** Writes files under a folder. */
internal fun Path.write(vararg files: Pair<String, String>): Path {
    for ((path, text) in files) resolve(path).createParentDirectories().writeText(text)
    return this
}

/** Every file under a folder with its bytes. */
internal fun Path.tree(): Map<String, List<Byte>> =
    walk().filter { it.isRegularFile() }.associate { it.relativeTo(this).toString() to it.readBytes().asList() }

/** Copies a folder with all that is in it. */
@OptIn(ExperimentalPathApi::class)
internal fun Path.copyTo(target: Path): Path = copyToRecursively(target, followLinks = false, overwrite = false)
