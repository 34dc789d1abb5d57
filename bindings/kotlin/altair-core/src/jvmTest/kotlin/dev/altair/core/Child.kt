package dev.altair.core

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.BufferedReader
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.TimeUnit
import kotlin.io.path.createDirectories
import kotlin.io.path.setPosixFilePermissions
import kotlin.system.exitProcess
import kotlin.test.assertEquals
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

    /** Says something to it. */
    fun say(line: String) {
        process.outputStream.apply {
            write("$line\n".encodeToByteArray())
            flush()
        }
    }

    val pid: Long get() = process.pid()

    /** Sends it a signal, by its name. */
    fun signal(name: String) {
        assertEquals(0, ProcessBuilder("kill", "-$name", "$pid").inheritIO().start().waitFor())
    }

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
        fun start(act: String, store: Path? = null, vararg options: String, environment: Map<String, String> = emptyMap()): Child {
            val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
            val command = listOf(java, "-Xmx256m", "-cp", System.getProperty("java.class.path")) + options +
                listOf(Child::class.java.name, act) + listOfNotNull(store?.toString())
            val builder = ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT)
            builder.environment() += environment
            return Child(builder.start())
        }

        /** One that has a store open and can't be joined: the folder where its socket would be isn't its user's alone. */
        fun alone(store: Path): Child {
            val runtime = store.resolveSibling("runtime")
            runtime.resolve("altair").createDirectories().setPosixFilePermissions(PosixFilePermissions.fromString("rwxrwxrwx"))
            return start("hold", store, environment = mapOf("XDG_RUNTIME_DIR" to runtime.toString()))
        }

        @JvmStatic
        fun main(arguments: Array<String>) {
            when (val act = arguments[0]) {
                "version" -> tell { Altair.version }
                "hold" -> hold(arguments[1])
                "visit" -> visit(arguments[1])
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

        /** Has a store open until it is told to go on. */
        private fun hold(store: String) = runBlocking {
            val altair = Altair.open(store)
            println(altair.role())
            readln()
            altair.close()
            println("closed")
        }

        /** Opens a store, tells what is in it, adds to it and leaves. */
        private fun visit(store: String) = runBlocking {
            Altair.open(store).use { altair ->
                println("${altair.role()} of ${altair.status().host.pid}")
                println(altair.thoughts().joinToString())
                altair.inbox.capture("from another process")
            }
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
