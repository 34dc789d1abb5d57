package dev.altair.benchmark

import dev.altair.core.Altair
import dev.altair.core.ffi.OpenOptions
import dev.altair.core.ffi.Store
import dev.altair.core.ffi.TimedCall
import dev.altair.core.use
import dev.altair.model.EntityId
import kotlinx.coroutines.runBlocking
import org.openjdk.jmh.annotations.Benchmark
import org.openjdk.jmh.annotations.BenchmarkMode
import org.openjdk.jmh.annotations.Level
import org.openjdk.jmh.annotations.Mode
import org.openjdk.jmh.annotations.OperationsPerInvocation
import org.openjdk.jmh.annotations.OutputTimeUnit
import org.openjdk.jmh.annotations.Scope
import org.openjdk.jmh.annotations.Setup
import org.openjdk.jmh.annotations.State
import org.openjdk.jmh.annotations.TearDown
import org.openjdk.jmh.infra.BenchmarkParams
import org.openjdk.jmh.infra.Blackhole
import org.openjdk.jmh.infra.IterationParams
import org.openjdk.jmh.runner.IterationType
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.io.path.appendText

/** How many calls are made one after the other, so that entering a coroutine doesn't count. */
private const val CALLS = 50

/**
 * The same calls from Kotlin and inside the engine, in one process and by turns, on two stores that hold the same: what is more on this side is what
 * crossing costs.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@OperationsPerInvocation(CALLS)
open class Crossing {
    private lateinit var scratch: Scratch
    private lateinit var altair: Altair
    private lateinit var inside: Store
    private var note = EntityId("")
    private lateinit var insideNote: String

    @Setup
    fun open() = runBlocking {
        scratch = Scratch()
        val vault = Sample.vault(scratch.folder).toString()
        val (here, there) = listOf("here", "there").map { scratch.folder.resolve(it).toString() }
        Altair.open(there).use {
            it.vault.import(vault)
            insideNote = it.notes.list(1).items.single().id.value
        }
        inside = dev.altair.core.ffi.open(there, OpenOptions(0, 32L shl 20, false))
        altair = Altair.open(here)
        altair.vault.import(vault)
        note = altair.notes.list(1).items.single().id
    }

    @TearDown
    fun close() = runBlocking {
        altair.close()
        inside.shutdown()
        inside.destroy()
        scratch.close()
    }

    /** After each round from Kotlin, one inside. */
    @TearDown(Level.Iteration)
    fun timeInside(benchmark: BenchmarkParams, iteration: IterationParams) = runBlocking {
        val name = benchmark.benchmark.substringAfterLast('.')
        val call = when (name) {
            "get" -> TimedCall.Get(insideNote)
            "list" -> TimedCall.List(50)
            "capture" -> TimedCall.Capture(Sample.THOUGHT)
            "search" -> TimedCall.Search(Sample.QUERY)
            else -> TimedCall.Nothing
        }
        val nanos = inside.time(call, if (name == "get") 4000 else 400)
        if (iteration.type == IterationType.MEASUREMENT) {
            Path.of(System.getProperty(INSIDE)).appendText("$name ${nanos.average() / 1000}\n")
        }
    }

    /** A call that does nothing, and doesn't wait: the bare crossing. */
    @Benchmark
    fun call(hole: Blackhole) = repeat(CALLS) { hole.consume(inside.isClosed()) }

    /** A call that does nothing on the engine's threads: what going there and coming back costs. */
    @Benchmark
    fun hop(hole: Blackhole) = calls { hole.consume(inside.time(TimedCall.Nothing, 0)) }

    @Benchmark
    fun get(hole: Blackhole) = calls { hole.consume(altair.notes.get(note)) }

    @Benchmark
    fun list(hole: Blackhole) = calls { hole.consume(altair.notes.list(50)) }

    @Benchmark
    fun capture(hole: Blackhole) = calls { hole.consume(altair.inbox.capture(Sample.THOUGHT)) }

    @Benchmark
    fun search(hole: Blackhole) = calls { hole.consume(altair.search.find(Sample.QUERY)) }

    private inline fun calls(crossinline call: suspend () -> Unit) = runBlocking { repeat(CALLS) { call() } }

    internal companion object {
        /** Names the file for what was measured inside. */
        const val INSIDE = "altair.benchmark.inside"
    }
}
