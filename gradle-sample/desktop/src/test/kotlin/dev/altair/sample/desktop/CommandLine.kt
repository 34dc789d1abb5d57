package dev.altair.sample.desktop

import java.io.File
import kotlin.test.assertEquals

/** The real `altair` with the `altaird` beside it, on one store: other programs, as far as the app is concerned. */
internal class CommandLine(private val store: File) {
    private val program = File(System.getProperty("altair.programs"), "altair").path

    /** What the command says; it has to succeed. */
    fun say(vararg arguments: String): String {
        val command = ProcessBuilder(listOf(program, "--json") + arguments).redirectError(ProcessBuilder.Redirect.INHERIT)
        command.environment().keys.removeAll { it.startsWith("ALTAIR_") }
        command.environment()["ALTAIR_HOME"] = store.path
        val process = command.start()
        process.outputStream.close()
        val said = process.inputStream.bufferedReader().readText()
        assertEquals(0, process.waitFor(), "altair ${arguments.joinToString(" ")}: $said")
        return said
    }

    /** The process that hosts the store. */
    fun host(): ProcessHandle {
        val pid = Regex("\"pid\":(\\d+)").find(say("daemon", "status"))!!.groupValues[1].toLong()
        return ProcessHandle.of(pid).get()
    }
}
