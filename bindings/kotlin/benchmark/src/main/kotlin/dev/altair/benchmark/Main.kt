package dev.altair.benchmark

import dev.altair.core.Altair
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import org.openjdk.jmh.results.Result
import org.openjdk.jmh.runner.Runner
import org.openjdk.jmh.runner.options.OptionsBuilder
import org.openjdk.jmh.runner.options.TimeValue
import org.openjdk.jmh.runner.options.VerboseMode
import java.nio.file.Files
import java.nio.file.Path
import java.util.Locale
import kotlin.io.path.createParentDirectories
import kotlin.io.path.readLines
import kotlin.io.path.writeText
import kotlin.math.sqrt

/** Each call, and what it is called in the table. */
private val CALLS = mapOf(
    "call" to "empty call",
    "hop" to "empty call on the engine's threads",
    "get" to "get by id",
    "list" to "list of 50",
    "capture" to "capture (durable)",
    "search" to "search",
)

/** Microseconds, give or take. */
private data class Cost(val mean: Double, val error: Double) {
    override fun toString(): String = String.format(Locale.ROOT, "%.1f ± %.1f", mean, error)
}

/** Measures, prints one table, and writes the same as JSON into the file that is named. */
fun main(arguments: Array<String>) {
    val inside = Files.createTempFile("altair-inside", ".txt")
    val options = OptionsBuilder()
        .include("dev\\.altair\\.benchmark\\.")
        .forks(1)
        .warmupIterations(3).warmupTime(TimeValue.seconds(1))
        .measurementIterations(6).measurementTime(TimeValue.seconds(1))
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT)
        .jvmArgsAppend("-D${Crossing.INSIDE}=$inside")
        .build()
    val scores = Runner(options).run().associate { run ->
        run.params.benchmark.removePrefix("dev.altair.benchmark.") to cost(run.primaryResult)
    }
    val rust = inside.readLines().map { it.split(' ') }.groupBy({ it[0] }, { it[1].toDouble() }).mapValues { cost(it.value) }
    Files.delete(inside)

    val rows = CALLS.mapNotNull { (name, title) ->
        val kotlin = scores["Crossing.$name"] ?: return@mapNotNull null
        // An empty call has no counterpart: all of it is the crossing.
        val engine = rust[name].takeIf { name != "call" && name != "hop" }
        Row(name, title, kotlin, engine, scores["Sqlite.$name"])
    }
    println("Microseconds a call, ${Sample.NOTES} notes of a kilobyte; altair-core ${Altair.version}, ${System.getProperty("altair.profile") ?: "unknown"} build")
    println()
    println("| call | from Kotlin | the same in Rust | crossing | ratio | sqlite-jdbc |")
    println("| --- | ---: | ---: | ---: | ---: | ---: |")
    rows.forEach(::println)
    arguments.firstOrNull()?.let { file ->
        Path.of(file).createParentDirectories().writeText(JsonArray(rows.map { it.json() }).toString() + "\n")
        println("\nThe same as JSON: $file")
    }
}

private class Row(val name: String, val title: String, val kotlin: Cost, val rust: Cost?, val sqlite: Cost?) {
    private val crossing = kotlin.mean - (rust?.mean ?: 0.0)

    override fun toString(): String {
        val ratio = rust?.let { String.format(Locale.ROOT, "%.2f", kotlin.mean / it.mean) } ?: "–"
        return "| $title | $kotlin | ${rust ?: "–"} | ${String.format(Locale.ROOT, "%.1f", crossing)} | $ratio | ${sqlite ?: "–"} |"
    }

    fun json(): JsonObject {
        fun Cost?.json() = if (this == null) JsonPrimitive(null as String?) else JsonObject(mapOf("mean_us" to JsonPrimitive(mean), "error_us" to JsonPrimitive(error)))
        return JsonObject(
            mapOf(
                "call" to JsonPrimitive(name),
                "kotlin" to kotlin.json(),
                "rust" to rust.json(),
                "crossing_us" to JsonPrimitive(crossing),
                "sqlite_jdbc" to sqlite.json(),
            ),
        )
    }
}

private fun cost(result: Result<*>) = Cost(result.score, result.scoreError)

/** The mean of several rounds, and how far 99 % of such means lie from it. */
private fun cost(rounds: List<Double>): Cost {
    val mean = rounds.average()
    val deviation = sqrt(rounds.sumOf { (it - mean) * (it - mean) } / (rounds.size - 1).coerceAtLeast(1))
    return Cost(mean, 2.6 * deviation / sqrt(rounds.size.toDouble()))
}
