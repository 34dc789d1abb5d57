package dev.altair.sample.desktop

import androidx.compose.ui.input.key.Key
import dev.altair.core.Altair
import kotlinx.coroutines.runBlocking
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** The app and the command line on one store, whoever of them hosts it. */
class OtherProgramsTest {
    private val ShownApp.role get() = runBlocking { altair.status().host.role }

    private fun ShownApp.capture(text: String) {
        type("capture", text)
        key("capture", Key.Enter)
        seeText(text, inside = "list")
    }

    /** Captures in a terminal; within a second the app shows it. */
    private fun ShownApp.seeAtOnce(command: CommandLine, text: String) {
        command.say("capture", text)
        val answered = TimeSource.Monotonic.markNow()
        seeText(text, inside = "list")
        assertTrue(answered.elapsedNow() < 1.seconds, "it took ${answered.elapsedNow()}")
    }

    private suspend fun Altair.thoughts() = inbox.list(1000).items.map { it.text }

    /** Runs [test] on the shown app, whose store is hosted by a daemon. */
    private fun withAppOfDaemon(test: ShownApp.(CommandLine, daemon: ProcessHandle) -> Unit) {
        var daemon: ProcessHandle? = null
        try {
            withApp(before = {
                val command = CommandLine(it)
                command.say("capture", "First of all")
                daemon = command.host()
            }) {
                test(CommandLine(directory), daemon!!)
            }
        } finally {
            daemon?.destroyForcibly()
        }
    }

    @Test
    fun what_a_command_captures_is_in_the_inbox_within_a_second() = withApp({ inbox.capture("First of all") }) {
        val command = CommandLine(directory)
        seeText("First of all", inside = "list")
        assertEquals(ProcessHandle.current(), command.host())
        repeat(3) { seeAtOnce(command, "From the terminal, number $it") }
        capture("From the app")
        assertTrue("From the app" in command.say("inbox"))
        assertEquals("host", role)
    }

    @Test
    fun an_app_that_joined_a_daemon_shows_what_commands_do_within_a_second() = withAppOfDaemon { command, daemon ->
        seeText("First of all", inside = "list")
        assertEquals("guest", role)
        repeat(3) { seeAtOnce(command, "From the terminal, number $it") }
        capture("From the app")
        assertTrue("From the app" in command.say("inbox"))
        assertEquals(daemon, command.host())
    }

    @Test
    fun an_app_whose_daemon_is_killed_takes_over_and_nothing_is_lost() = withAppOfDaemon { command, daemon ->
        capture("Before the kill")
        assertEquals("guest", role)
        daemon.destroyForcibly()
        val killed = TimeSource.Monotonic.markNow()
        capture("After the kill")
        println("what was captured after the kill was there in ${killed.elapsedNow()}")
        assertTrue(killed.elapsedNow() < 5.seconds, "it took ${killed.elapsedNow()}")
        assertEquals("host", role)
        assertEquals(ProcessHandle.current(), command.host())
        seeAtOnce(command, "From the terminal")
        val texts = listOf("From the terminal", "After the kill", "Before the kill", "First of all")
        assertEquals(texts, runBlocking { altair.thoughts() })
        assertEquals("ok", runBlocking { altair.doctor().health })
        assertEquals(null, workspace.statements.current.value)
    }
}
