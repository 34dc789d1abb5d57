package dev.altair.core

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.BufferedReader
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.system.exitProcess
import kotlin.test.assertTrue
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** Another JVM with the same classes, for what can only be seen from outside: [main] is what it runs. */
internal class Child private constructor(private val process: Process) : AutoCloseable {
    private val output: BufferedReader = process.inputStream.bufferedReader()

    /** Its next line; null when it has ended. */
    fun line(): String? = output.readLine()

    /** All its lines until it ends. */
    fun lines(): List<String> = output.readLines()

    /** Ends it as a crash does. */
    fun kill() {
        // By its handle: what it said before can still be read then.
        process.toHandle().destroyForcibly()
    }

    /** Its exit code, for which it has until the deadline. */
    fun exit(deadline: Duration = 30.seconds): Int {
        assertTrue(process.waitFor(deadline.inWholeMilliseconds, TimeUnit.MILLISECONDS), "the JVM did not end in $deadline")
        return process.exitValue()
    }

    override fun close() {
        process.destroyForcibly().waitFor()
    }

    companion object {
        fun start(act: String, store: Path? = null, vararg options: String): Child {
            val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
            val command = listOf(java, "-Xmx256m", "-cp", System.getProperty("java.class.path")) + options +
                listOf(Child::class.java.name, act) + listOfNotNull(store?.toString())
            return Child(ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start())
        }

        @JvmStatic
        fun main(arguments: Array<String>) {
            when (val act = arguments[0]) {
                "version" -> tell { Altair.version }
                "open" -> tell { runBlocking { Altair.open(arguments[1], OpenOptions(lockWait = Duration.ZERO)) }.isClosed }
                "hold" -> hold(arguments[1])
                else -> capture(arguments[1], act)
            }
        }

        private fun tell(act: () -> Any) {
            repeat(2) {
                try {
                    println(act())
                } catch (error: Throwable) {
                    println("${error::class.simpleName}: ${error.message}")
                }
            }
        }

        /** Has a store open until it may go on. */
        private fun hold(store: String) = runBlocking {
            val altair = Altair.open(store)
            println("open")
            readln()
            altair.close()
        }

        /** Captures from several coroutines, tells each capture that has returned, and ends in the middle of it. */
        private fun capture(store: String, ending: String) = runBlocking {
            val altair = Altair.open(store)
            val watching = launch(Dispatchers.Default) { altair.watch().collect { } }
            val capturing = List(8) {
                launch(Dispatchers.Default) {
                    while (true) println(altair.inbox.capture("written before the end").id)
                }
            }
            eventually("it has captured") { altair.inbox.list(100).items.size >= 100 }
            when (ending) {
                "exit" -> exitProcess(3)
                "halt" -> Runtime.getRuntime().halt(3)
                "return" -> (capturing + watching).forEach { it.cancel() }
                "forever" -> capturing.forEach { it.join() }
            }
        }
    }
}
